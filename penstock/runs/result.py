"""The result as it has been streamed, kept by the run so that the end can be checked against it."""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from penstock.document import ABSENT, Branch, Placed, join, spread
from penstock.mistakes import defined_at, mistake, shortened
from penstock.pattern import Pattern


class StreamedResult(Placed):
    """Places values where they were streamed.

    That of a sub-pattern stands at a place of another one, too: what is at `at` of `within`.
    """

    def __init__(self, within: "StreamedResult | None" = None, at: str = "") -> None:
        super().__init__()
        self._within, self._at = within, at

    def place(self, path: str, value: Any) -> dict[str, Any]:
        """Put a value at `path`; at the root, or with a trailing "/", its members are put one by one. What was put.

        Raises ValueError where something stands already, above, at or below.
        """
        members = spread(path, value)
        for p, one in members.items():
            self._refuse_written(p)
            self.put(p, one)
        return members

    def put(self, p: str, value: Any) -> None:
        super().put(p, value)
        if self._within is not None:
            self._within.put(self._at + p, value)

    def retract(self, p: str) -> None:
        self.remove(p)
        if self._within is not None:
            self._within.retract(self._at + p)

    def _refuse_written(self, p: str) -> None:
        if not self.is_free(p):
            raise ValueError(f"{p!r} is written twice: write elsewhere, or retract it before")
        if self._within is not None:
            self._within._refuse_written(self._at + p)

    def finish(self, pattern: Pattern[Any, Any], returned: BaseModel) -> tuple[dict[str, Any], dict[str, Any]]:
        """The final document, and by path the values that have not been streamed yet.

        Raises PatternMistake where the returned result contradicts what callers were shown.
        """
        where = defined_at(pattern.run)
        if not isinstance(returned, pattern.result):
            what = f"{pattern.name} returned {shortened(returned)}: {pattern.result.__name__} is its result"
            raise mistake(what, where)
        wanted = to_jsonable_python(returned)
        missing = self._missing("", wanted)
        try:
            for path, value in missing.items():
                self.place(path, value)
        except ValueError as error:
            raise mistake(str(error), where) from error
        built = self.assembled()
        document = {name: built[name] for name in [*wanted, *built] if name in built}
        try:
            same = pattern.result.model_validate(document) == returned
        except ValidationError as error:
            detail = "; ".join(f"{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
            raise mistake(f"the streamed result of {pattern.name} does not validate: {detail}", where) from error
        if not same:
            p, streamed, said = difference("", document, wanted) or ("", "a value", "one that JSON does not keep")
            differs = f"at {p!r} it streamed {streamed} and returned {said}"
            advice = "return what was streamed, or retract it before"
            raise mistake(f"{pattern.name} returned another result than it streamed: {differs}; {advice}", where)
        return document, missing

    def _missing(self, p: str, wanted: Any) -> dict[str, Any]:
        if p and self.is_free(p):
            return {p: wanted}
        streamed = self.get(p)
        if not isinstance(wanted, dict | list) or not (streamed is ABSENT or isinstance(streamed, Branch)):
            return {}  # a scalar where something was streamed below: the comparison will tell
        members = wanted.items() if isinstance(wanted, dict) else enumerate(wanted)
        return {q: value for name, member in members for q, value in self._missing(join(p, name), member).items()}


def difference(p: str, streamed: Any, returned: Any) -> tuple[str, str, str] | None:
    """The first place where two JSON values differ, and what each has there."""
    members: Any = ()
    if isinstance(streamed, dict) and isinstance(returned, dict):
        members = [(name, streamed.get(name, ABSENT), returned.get(name, ABSENT)) for name in [*returned, *streamed]]
    elif isinstance(streamed, list) and isinstance(returned, list) and len(streamed) == len(returned):
        members = zip(range(len(streamed)), streamed, returned, strict=True)
    elif streamed != returned:
        said = ["nothing" if value is ABSENT else shortened(value) for value in (streamed, returned)]
        return p, said[0], said[1]
    return next((found for name, a, b in members if (found := difference(join(p, name), a, b))), None)
