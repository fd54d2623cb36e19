"""What a log's line, a problem and a message are about: the request that they came of, its job, the step.

A request's id and its place in a trace (W3C Trace Context) travel as headers, whoever sends them: with the request over
HTTP or NATS, then with the job's message and those of its steps, at last with its webhook.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime

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
    key: str | None = None


_NOTHING = About()
_ABOUT: ContextVar[About] = ContextVar("penstock_about", default=_NOTHING)


def of_http(raw: Iterable[tuple[bytes, bytes]]) -> About:
    """By the headers of an HTTP request, which gets an id if it has none that is well-formed."""
    named = {name.lower().encode(): name for name in _FORMS}
    given = {named[name]: value.decode("latin-1") for name, value in raw if name in named}
    return _with(About(request=secrets.token_hex(16)), given)


def of_message(headers: Mapping[str, str] | None, *, job: str | None = None, key: str | None = None) -> About:
    """By the headers of a message in NATS. A job that was published without an id of its request goes by its own."""
    about = _with(About(secrets.token_hex(16), None, job, key), {REQUEST_ID: job or ""})
    return _with(about, headers or {})


def begin(about: About) -> None:
    """What happens in this task from here on, and in those begun there, is about this."""
    _ABOUT.set(about)


def go_by(headers: Mapping[str, str] | None) -> None:
    """It came of this message's request, too."""
    _ABOUT.set(_with(_ABOUT.get(), headers or {}))


def headers() -> dict[str, str]:
    """To be sent along with whatever comes of the request."""
    now = _ABOUT.get()
    return {name: text for name, text in ((REQUEST_ID, now.request), (TRACEPARENT, now.trace)) if text}


def logged() -> dict[str, str]:
    """Members of a log's line."""
    now = _ABOUT.get()
    return {name: text for name, text in (("request", now.request), ("job", now.job), ("key", now.key)) if text}


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
