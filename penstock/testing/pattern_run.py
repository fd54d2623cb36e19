"""What came of a pattern in a test."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Generic

from pydantic import BaseModel

from penstock.contracts.events import Event, PartRetract
from penstock.contracts.options import Priority
from penstock.contracts.step import Complexity
from penstock.document import Document
from penstock.errors import Failure, Misconfigured
from penstock.pattern import Res
from penstock.testing.told import PatternTestFailed


@dataclass(frozen=True, kw_only=True)
class AskedStep:
    """A step as the pattern asked for it, and how it ended. `output` is None where it failed or was given up."""

    key: str
    name: str
    pattern: str
    input: BaseModel
    into: str | None
    complexity: Complexity
    priority: Priority | None
    output: Any
    failure: str | None
    _prompt: str | Misconfigured | None

    @property
    def prompt(self) -> str:
        """The text that its model is asked: the system's part, a line of only `---`, the user's.

        Raises Misconfigured where a `do` does the step, or Jinja2 is not installed.
        """
        if isinstance(self._prompt, str):
            return self._prompt
        raise self._prompt or Misconfigured(f"{self.name} has a `do`: its prompt is what that one renders")


@dataclass(frozen=True, kw_only=True)
class PatternRun(Generic[Res]):
    """A job of the pattern.

    `steps`: by key, in the order in which they were asked for. `text`: what a caller of plain JSON has read; of a job
    that failed as far as it had come, and up to the first retraction of what was sent (`cut_off`). `replays`: how many
    of the same job were the same.
    """

    events: tuple[Event, ...]
    steps: dict[str, AskedStep]
    text: str
    cut_off: bool
    failure: Failure | None
    replays: int
    _result: Res | None

    @property
    def result(self) -> Res:
        """Raises PatternTestFailed where the job failed."""
        if self._result is None:
            raise PatternTestFailed(f"the job failed: {self.failure and self.failure.problem()}") from self.failure
        return self._result

    @property
    def retracted(self) -> tuple[str, ...]:
        """The places of which something was made void."""
        return tuple(event.p for event in self.events if isinstance(event, PartRetract))

    @property
    def documents(self) -> tuple[Any, ...]:
        """The result as it grew before a reader's eyes: one for each time that it changed."""
        return tuple(self._growing())

    def _growing(self) -> Iterator[Any]:
        document, last = Document(), None
        for event in self.events:
            document.apply(event)
            if document.value != last:
                yield (last := deepcopy(document.value))
