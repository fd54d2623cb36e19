"""What a request must be before it becomes a job: asked by every way in, and by the aggregator."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any

from pydantic import ValidationError

from penstock.contracts.options import PatternRequest
from penstock.contracts.problem import FieldError
from penstock.document import pointer
from penstock.errors import Failure, InvalidRequest
from penstock.pattern import Pattern
from penstock.settings import Settings
from penstock.webhooks.admission import check_webhook


def admit(patterns: Mapping[str, Pattern[Any, Any]], name: str, body: bytes, settings: Settings) -> PatternRequest:
    """The request in a job's body, if this deployment can serve it.

    Raises what `parse_request` raises, and InvalidRequest for a webhook that could not be delivered: now, not when
    the job has ended.
    """
    request = parse_request(patterns, name, body)
    check_webhook(request, settings)
    return request


def parse_request(patterns: Mapping[str, Pattern[Any, Any]], name: str, body: bytes) -> PatternRequest:
    """The request in a job's body. Raises Failure: unknown_pattern, or invalid_request naming each field."""
    if name not in patterns:
        raise unknown_pattern(name, patterns)
    try:
        request: PatternRequest = patterns[name].request.model_validate_json(body)
    except ValidationError as error:
        raise invalid_request(error) from None
    return request


def unknown_pattern(name: str, patterns: Iterable[str]) -> Failure:
    """Names the patterns there are, and the one that was probably meant."""
    name, known = name[:100], sorted(patterns)
    meant = "".join(f" (did you mean {near!r}?)" for near in get_close_matches(name, known, n=1))
    return Failure("unknown_pattern", f"there is no pattern {name!r}{meant}; there are {', '.join(known)}")


def body_of(request: PatternRequest) -> bytes:
    """A job's body: as the model writes it, so that spelling and defaults make no other request of it."""
    return request.model_dump_json(by_alias=True, exclude_defaults=True).encode()


def invalid_request(error: ValidationError) -> InvalidRequest:
    """The validation errors as a failure: a pointer and a sentence for each, without the values."""
    errors = field_errors(error.errors(include_url=False, include_input=False, include_context=False))
    return InvalidRequest(f"{error.error_count()} thing(s) wrong: {summary(errors)}", errors)


def field_errors(found: Iterable[Mapping[str, Any]]) -> tuple[FieldError, ...]:
    """The first twenty of pydantic's errors, each with the RFC 6901 pointer of its place."""
    errors = []
    for one in islice(found, 20):
        path = ""
        for token in one["loc"]:
            path = pointer.join(path, str(token)[:200])
        errors.append(FieldError(pointer=path, detail=one["msg"]))
    return tuple(errors)


def summary(errors: Sequence[FieldError]) -> str:
    """The first three in one sentence."""
    return "; ".join(f"{one.pointer or 'body'}: {one.detail}" for one in errors[:3])
