"""What a log's line, a problem and a message are about: the request that they came of, its job, the step, the attempt.

A request's id and its place in a trace (W3C Trace Context) travel as headers, whoever sends them: with the request over
HTTP or NATS, then with the job's message and those of its steps, at last with its webhook.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from penstock.contracts.problem import Problem

REQUEST_ID, TRACEPARENT = "X-Request-Id", "traceparent"

_FORMS = {
    REQUEST_ID: re.compile(r"[!-~]{1,128}"),
    # version 00: what later ones may have more means nothing here
    TRACEPARENT: re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"),
}


@dataclass(frozen=True, slots=True)
class About:
    """`request` is the request's id, `trace` its traceparent, `key` the step's."""

    request: str | None = None
    trace: str | None = None
    job: str | None = None
    tenant: str | None = None
    pattern: str | None = None
    step: str | None = None
    key: str | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """A member of a log's line that may quote prompts and answers: it is logged where the settings allow it only."""

    text: Callable[[], str]

    def __str__(self) -> str:
        return "…"


#: What a message's subject says.
_FROM_SUBJECTS = ("job", "tenant", "pattern", "step", "key")
_LOGGED = ("request", *_FROM_SUBJECTS, "attempt")
_NOTHING = About()
_ABOUT: ContextVar[About] = ContextVar("penstock_about", default=_NOTHING)


def of_http(raw: Iterable[tuple[bytes, bytes]]) -> About:
    """By the headers of an HTTP request, which gets an id if it has none that is well-formed."""
    named = {name.lower().encode(): name for name in _FORMS}
    given = {named[name]: value.decode("latin-1") for name, value in raw if name in named}
    return _with(About(request=secrets.token_hex(16)), given)


def of_message(headers: Mapping[str, str] | None, known: Mapping[str, Any] | None = None) -> About:
    """By the headers of a message in NATS, and what else is `known`: members of About, and others that do not count.

    A job that was published without an id of its request goes by its own.
    """
    about = About(secrets.token_hex(16), **{name: (known or {}).get(name) for name in _FROM_SUBJECTS})
    return _with(_with(about, {REQUEST_ID: about.job or ""}), headers or {})


def begin(about: About) -> None:
    """What happens in this task from here on, and in those begun there, is about this."""
    _ABOUT.set(about)


def go_by(headers: Mapping[str, str] | None) -> None:
    """It came of this message's request, too."""
    _ABOUT.set(_with(_ABOUT.get(), headers or {}))


def add(**known: Any) -> None:
    """Members of About that have become known of what this task is about."""
    _ABOUT.set(replace(_ABOUT.get(), **known))


def trace() -> str | None:
    """The traceparent of what this task is about."""
    return _ABOUT.get().trace


def headers() -> dict[str, str]:
    """To be sent along with whatever comes of the request."""
    now = _ABOUT.get()
    return {name: text for name, text in ((REQUEST_ID, now.request), (TRACEPARENT, now.trace)) if text}


def logged() -> dict[str, str | int]:
    """Members of a log's line."""
    now = _ABOUT.get()
    known = {name: value for name in _LOGGED if (value := getattr(now, name)) is not None}
    return known | {"trace_id": now.trace.split("-")[1]} if now.trace else known


def stamped(problem: Problem, at: float | None = None, about: About | None = None) -> Problem:
    """The problem as it is told: with its time (Unix seconds, or now), request and job, unless it has them."""
    about = about or _ABOUT.get()
    known = {
        "timestamp": datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC),
        "request_id": about.request,
        "job": about.job,
    }
    return problem.model_copy(update={name: one for name, one in known.items() if getattr(problem, name) is None})


def _with(about: About, given: Mapping[str, str]) -> About:
    found = {name: given[name] for name, form in _FORMS.items() if form.fullmatch(given.get(name) or "")}
    return replace(about, request=found.get(REQUEST_ID, about.request), trace=found.get(TRACEPARENT, about.trace))
