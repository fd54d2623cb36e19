"""What a run itself tells readers of the result."""

from typing import Any

from pydantic_core import to_json

from penstock.contracts.events import PartClose, PartRetract, PartValue
from penstock.document.pointer import parse
from penstock.mistakes import Place, mistake
from penstock.runs.work import Work


class Telling:
    """Publishes a run's own events. Their ids are the same in every replay, and no other run's of the job.

    `at`: the run's place in the job's result; None if it is not shown. `prefix`: what its keys begin with.
    """

    def __init__(self, work: Work, at: str | None, prefix: str) -> None:
        self._work, self._at, self._prefix = work, at, prefix
        self._retracted = 0

    def place(self, into: str | None) -> str | None:
        """`into` as a place of the job's result. "" spreads over the run's own place."""
        if into is None or self._at is None:
            return None
        return self._at + (into or ("/" if self._at else ""))

    def value(self, path: str, value: Any) -> None:
        if self._at is not None:
            self._work.tell(PartValue(id=self._id("value", path), p=self._at + path, t=to_json(value).decode()))

    def close(self, path: str) -> None:
        if self._at is not None:
            self._work.tell(PartClose(id=self._id("close", path), p=self._at + path))

    def retract(self, path: str) -> None:
        self._retracted += 1
        if self._at is not None:
            event = PartRetract(id=f"retract:{self._prefix}{self._retracted}", p=self._at + path)
            self._work.tell(event, retracts=True)

    def _id(self, kind: str, path: str) -> str:
        return f"{kind}:{self._prefix}{self._retracted}:{path}"


def check_place(at: str, place: Place, *, spread: bool) -> None:
    """Raises PatternMistake where there can be no place `at`, or, not to `spread`, it ends in "/"."""
    try:
        parse(at)
    except ValueError as error:
        raise mistake(str(error), place) from error
    if at.endswith("/") and not spread:
        raise mistake(f"no / ends the place of a map or a sub-pattern: write {at.rstrip('/')!r}", place)
