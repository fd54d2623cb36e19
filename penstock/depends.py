"""How a step's `do` says what it needs beside its input."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Depends:
    """What a parameter is given: `client: Annotated[AsyncClient, Depends(client)]`, or `client=Depends(client)`.

    `dependency` is called once a process, when a service starts that executes the step, and what it gives is shared by
    all calls. An async context manager, or a generator with one `yield`, is closed when the service ends; its own
    parameters may depend on others. FastStream's `Depends` says the same; this one needs nothing installed, so that
    callers can import patterns. `check` is called when a service is built that will open it, and raises Misconfigured
    where something is missing: sooner, and said in a line.
    """

    dependency: Callable[..., Any]
    check: Callable[[], None] = lambda: None
