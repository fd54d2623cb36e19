"""What a request must be before it becomes a job: asked by every way in, and by the aggregator."""

from collections.abc import Mapping
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
        raise Failure("unknown_pattern", f"there is no pattern {name!r}; there are {', '.join(sorted(patterns))}")
    try:
        request: PatternRequest = patterns[name].request.model_validate_json(body)
    except ValidationError as error:
        raise invalid_request(error) from None
    return request


def body_of(request: PatternRequest) -> bytes:
    """A job's body: as the model writes it, so that spelling and defaults make no other request of it."""
    return request.model_dump_json(by_alias=True, exclude_defaults=True).encode()


def invalid_request(error: ValidationError) -> InvalidRequest:
    """The validation errors as a failure: a pointer and a sentence for each, without the values."""
    errors = []
    for one in error.errors(include_url=False, include_input=False, include_context=False)[:20]:
        path = ""
        for token in one["loc"]:
            path = pointer.join(path, str(token))
        errors.append(FieldError(pointer=path, detail=one["msg"]))
    named = "; ".join(f"{e.pointer or 'body'}: {e.detail}" for e in errors[:3])
    return InvalidRequest(f"{error.error_count()} thing(s) wrong: {named}", tuple(errors))
