"""The result as it has been streamed, kept by the run so that the end can be checked against it."""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from penstock.document import ABSENT, Branch, Placed, join, spread
from penstock.errors import Failure
from penstock.pattern import Pattern


class StreamedResult(Placed):
    """Places values where they were streamed."""

    def place(self, path: str, value: Any) -> None:
        """Put a value at `path`; at the root, or with a trailing "/", its members are put one by one.

        Raises ValueError where something stands already, above, at or below.
        """
        for p, one in spread(path, value).items():
            if not self.is_free(p):
                raise ValueError(f"{p!r} is written twice")
            self.put(p, one)

    def finish(self, pattern: Pattern[Any, Any], returned: BaseModel) -> tuple[dict[str, Any], dict[str, Any]]:
        """The final document, and by path the values that have not been streamed yet.

        Raises Failure("pattern_error") where the returned result contradicts what callers were shown.
        """
        wanted = to_jsonable_python(returned)
        missing = self._missing("", wanted)
        for path, value in missing.items():
            self.put(path, value)
        built = self.assembled()
        document = {name: built[name] for name in [*wanted, *built] if name in built}
        try:
            same = pattern.result.model_validate(document) == returned
        except ValidationError as error:
            detail = "; ".join(f"{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
            raise Failure("pattern_error", f"the streamed result does not validate: {detail}") from error
        if not same:
            raise Failure("pattern_error", f"{pattern.name} returned another result than it streamed")
        return document, missing

    def _missing(self, p: str, wanted: Any) -> dict[str, Any]:
        if p and self.is_free(p):
            return {p: wanted}
        streamed = self.get(p)
        if not isinstance(wanted, dict | list) or not (streamed is ABSENT or isinstance(streamed, Branch)):
            return {}  # a scalar where something was streamed below: the comparison will tell
        members = wanted.items() if isinstance(wanted, dict) else enumerate(wanted)
        return {q: value for name, member in members for q, value in self._missing(join(p, name), member).items()}
