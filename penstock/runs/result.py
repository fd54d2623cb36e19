"""The result as it has been streamed, kept by the run so that the end can be checked against it."""

from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from penstock.document import pointer
from penstock.errors import Failure
from penstock.pattern import Pattern

_JSON: TypeAdapter[Any] = TypeAdapter(Any)


def to_json(value: Any) -> Any:
    """A value as JSON would hold it: models as objects with their wire names, tuples as lists."""
    return _JSON.dump_python(value, mode="json", by_alias=True)


class StreamedResult:
    """Places values where they were streamed. A run-built container is an object, or an array for index tokens."""

    def __init__(self) -> None:
        self._leaves: dict[tuple[str, ...], Any] = {}

    def place(self, path: str, value: Any) -> None:
        """Put a value at `path`; at the root, or with a trailing "/", its members are put one by one.

        Raises ValueError where something stands already, above, at or below.
        """
        if path == "" or path.endswith("/"):
            if not isinstance(value, dict):
                raise ValueError(f"only an object can be spread at {path!r}")
            for name, member in value.items():
                self.place(pointer.join(path.rstrip("/"), name), member)
            return
        tokens = pointer.parse(path)
        for known in self._leaves:
            shared = min(len(known), len(tokens))
            if known[:shared] == tokens[:shared]:
                raise ValueError(f"{path!r} is written twice")
        self._leaves[tokens] = value

    def retract(self, path: str) -> None:
        tokens = pointer.parse(path)
        self._leaves = {known: value for known, value in self._leaves.items() if known[: len(tokens)] != tokens}

    def finish(self, pattern: Pattern[Any, Any], returned: BaseModel) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
        """The final document, and the (path, value) pairs that have not been streamed yet.

        Raises Failure("pattern_error") where the returned result contradicts what callers were shown.
        """
        wanted = to_json(returned)
        missing = self._missing((), wanted)
        for path, value in missing:
            self.place(path, value)
        document = _in_order(self._build(()), wanted)
        try:
            same = pattern.result.model_validate(document) == returned
        except ValidationError as error:
            detail = "; ".join(f"{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
            raise Failure("pattern_error", f"the streamed result does not validate: {detail}") from error
        if not same:
            raise Failure("pattern_error", f"{pattern.name} returned another result than it streamed")
        return document, missing

    def _missing(self, at: tuple[str, ...], wanted: Any) -> list[tuple[str, Any]]:
        if at in self._leaves:
            return []
        if not any(known[: len(at)] == at for known in self._leaves) and at:
            return [(_path(at), wanted)]
        if isinstance(wanted, dict):
            members = list(wanted.items())
        else:  # a scalar where something was streamed below: nothing is missing, and the comparison will tell
            members = [(str(index), item) for index, item in enumerate(wanted if isinstance(wanted, list) else ())]
        return [pair for name, member in members for pair in self._missing((*at, name), member)]

    def _build(self, at: tuple[str, ...]) -> Any:
        if at in self._leaves:
            return self._leaves[at]
        names = list(dict.fromkeys(known[len(at)] for known in self._leaves if known[: len(at)] == at))
        if names and all(name.isdecimal() for name in names):
            return [self._build((*at, name)) for name in sorted(names, key=int)]
        return {name: self._build((*at, name)) for name in names}


def _path(tokens: tuple[str, ...]) -> str:
    path = ""
    for token in tokens:
        path = pointer.join(path, token)
    return path


def _in_order(document: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in [*wanted, *document] if name in document}
