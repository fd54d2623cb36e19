"""What pydantic found wrong, as callers, authors and models are told."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from penstock.contracts.problem import FieldError
from penstock.document import pointer


def field_errors(found: Iterable[Mapping[str, Any]]) -> tuple[FieldError, ...]:
    """The first twenty of pydantic's errors, each with the RFC 6901 pointer of its place; what is long is cut."""
    return tuple(
        FieldError(
            pointer="".join(pointer.join("", str(token)[:200]) for token in one["loc"])[:1000], detail=one["msg"][:500]
        )
        for one in islice(found, 20)
    )


def summary(errors: Sequence[FieldError]) -> str:
    """The first three in one sentence."""
    return "; ".join(f"{one.pointer or 'body'}: {one.detail}" for one in errors[:3]) + "; and more" * (len(errors) > 3)
