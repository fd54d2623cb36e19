"""A pattern's request, its example and its result, as callers see them."""

import inspect
from collections.abc import Iterator
from typing import Any, get_type_hints

from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from penstock.checks.fault import Fault, place_of, place_of_pattern
from penstock.document import Shape
from penstock.errors import Failure
from penstock.jobs.submission import parse_request
from penstock.pattern import Pattern
from penstock.settings import Settings


def faults(pattern: Pattern[Any, Any]) -> Iterator[Fault]:
    def fault(sentence: str, of: Any = None) -> Fault:
        return Fault(pattern=pattern.name, where=place_of(of) if of else place_of_pattern(pattern), sentence=sentence)

    if not inspect.iscoroutinefunction(pattern.run):
        yield fault(f"{pattern.run.__name__} has to be an `async def`", pattern.run)
    hints = list(get_type_hints(pattern.run).items())
    for name, kind in hints:
        wanted = pattern.result if name == "return" else pattern.request
        if name in ("return", *[hint for hint, _ in hints[1:2]]) and kind is not wanted:
            role = "returns" if name == "return" else "takes"
            sentence = f"{pattern.run.__name__} {role} {_name(kind)}, and Pattern(…) says {_name(wanted)}"
            yield fault(sentence, pattern.run)
    try:
        pattern.contract()
        Shape.of(pattern.result)
    except (PydanticInvalidForJsonSchema, PydanticUserError) as error:
        yield fault(f"its request or result cannot be described as JSON Schema: {error.message}")
        return
    try:
        sent = pattern.example.model_dump_json(by_alias=True).encode()
        read = parse_request({pattern.name: pattern}, pattern.name, sent, Settings())
    except (Failure, ValueError) as error:
        said = error.detail if isinstance(error, Failure) else str(error)
        yield fault(f"its example, sent as JSON, is refused: {said}")
    else:
        if read != pattern.example:
            yield fault("its example, sent as JSON, is read as another request: a field does not survive being sent")


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))
