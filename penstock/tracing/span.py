"""A span: from where it begins to where it ends. While nothing is traced, it is one object that does nothing.

Its parent is what this task is about (penstock.correlation), or came of. A span that another process may have begun as
well has an id that follows from its job: so both begin the same one, and who ends it has it exported. One that is never
ended is none.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from penstock import correlation
from penstock.contracts.wire import JobName
from penstock.tracing.wanted import wanted

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OtelSpan

    from penstock.tracing.exporting import Exporting

Kind = Literal["internal", "server", "client"]
#: None as a value: there is nothing to say.
Attributes = Mapping[str, Any]
_NONE: Attributes = MappingProxyType({})

_exporting: "Exporting | None" = None


def configure(service: str, *, contents: bool = False) -> None:
    """Have the spans of this process exported, if the environment asks for it; `contents`: also what prompts say.

    Raises Misconfigured where it asks for what there is not, or what is not installed.
    """
    global _exporting
    if _exporting is None and wanted(os.environ):
        from penstock.tracing.exporting import Exporting  # takes 0.2 s to import

        _exporting = Exporting(service, contents=contents)


def shutdown() -> None:
    """Export what has ended, if that can be done within a few seconds."""
    global _exporting
    ending, _exporting = _exporting, None
    if ending is not None:
        ending.shutdown()


@dataclass(frozen=True, slots=True)
class Span:
    """Something that has begun."""

    _span: "OtelSpan | None" = None
    _by: "Exporting | None" = None

    @property
    def is_recorded(self) -> bool:
        """Whether it is worth knowing more of it."""
        return self._span is not None and self._span.is_recording()

    @property
    def may_quote(self) -> bool:
        """Whether its attributes may quote prompts and answers."""
        return self._by is not None and self._by.contents

    def end(
        self,
        attributes: Attributes = _NONE,
        *,
        name: str | None = None,
        error: str | None = None,
        at: float | None = None,
    ) -> None:
        """`name`: if it is another than it began with. `error`: a code. `at`: Unix time, if not now."""
        if self._span is not None and self._by is not None:
            self._by.end(self._span, attributes, name, error, at)


#: What has begun while nothing is traced.
NOTHING = Span()


def begin(
    name: str,
    attributes: Attributes = _NONE,
    *,
    kind: Kind = "internal",
    job: JobName | None = None,
    id: str | None = None,
    at: float | None = None,
    enter: bool = True,
) -> Span:
    """What begins, now or `at`. `enter`: what is logged, sent and begun in this task from here on belongs to it.

    `id`: of one that other processes may begin as well, its name in the `job`.
    """
    if _exporting is None:
        return NOTHING
    span = _exporting.begin(name, attributes, kind=kind, job=job, id=id, parent=correlation.trace(), at=at)
    if enter:
        correlation.add(trace=_exporting.enter(span))
    return Span(span, _exporting)
