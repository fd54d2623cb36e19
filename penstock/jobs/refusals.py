"""Why a request is not served, as the caller gets it: the same over HTTP and over NATS."""

import logging
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

from nats.js.errors import APIError
from pydantic import ValidationError

from penstock.contracts.problem import FieldError, Problem
from penstock.errors import BusUnavailable, Failure, InvalidRequest, Refused
from penstock.jetstream.storage import UNREACHABLE
from penstock.validation import field_errors, summary

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Validation errors that are looked at.
_MOST = 500
#: What is raised where NATS does not serve; asking again may help.
UNAVAILABLE = (BusUnavailable, APIError, *UNREACHABLE)


def problem_of(error: Exception) -> Problem:
    """A failure's own; `bus_unavailable` where NATS does not serve; otherwise `internal_error`: the caller logs it."""
    if isinstance(error, Failure):
        return error.problem()
    if isinstance(error, UNAVAILABLE):
        log.warning("NATS did not serve a request: %r", error)
        return Refused("bus_unavailable", "NATS did not answer in time").problem()
    return Refused("internal_error", "the fault is logged").problem()


def known(job: str, found: T | None) -> T:
    """What was looked up. Raises Refused where there is no such job."""
    if found is None:
        raise Refused("unknown_job", f"no job {job[:100]!r}, or it is past its retention")
    return found


def no_job(subject: str) -> InvalidRequest:
    """For a subject whose tokens can be no job's."""
    return InvalidRequest(f"{subject}: a job id is 1 to 64 of A-Z a-z 0-9 _ -, a tenant 32 of a-z 0-9 -")


def unknown_pattern(name: str, patterns: Iterable[str]) -> Failure:
    """Names the patterns there are, and the one that was probably meant."""
    name, known = name[:100], sorted(patterns)
    meant, listed = did_you_mean(name, known), ", ".join(known)
    return Failure("unknown_pattern", f"there is no pattern {name!r}{meant}; there are {listed}")


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """The nearest of them as a question in brackets, if one is near."""
    return "".join(f" (did you mean {near!r}?)" for near in get_close_matches(name[:100], known, n=1))


def invalid_request(error: ValidationError) -> InvalidRequest:
    """The validation errors as a failure: a pointer and a sentence for each of the first, without the values."""
    if (count := error.error_count()) > _MOST:  # to build so many blocks everybody else
        return too_many(f"{count} places are wrong")
    errors = field_errors(error.errors(include_url=False, include_input=False, include_context=False))
    return InvalidRequest(summary(errors), errors)


def too_many(detail: str) -> InvalidRequest:
    """What is wrong with the body as a whole."""
    return InvalidRequest(f"body: {detail}", (FieldError(pointer="", detail=detail),))
