"""What a caller gives a client, checked before anybody is asked. Both clients refuse the same, whatever its type is."""

import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, JsonValue

from penstock.client.errors import RequestRefused, UnknownJob
from penstock.contracts.job import JobStatus
from penstock.contracts.options import PatternRequest
from penstock.contracts.wire import DEFAULT_TENANT, is_tenant, is_token
from penstock.errors import InvalidRequest
from penstock.jobs.submission import body_of, job_of
from penstock.pattern import Pattern

#: A pattern, or its name.
AnyPattern = str | Pattern[Any, Any]
#: A request as its model, or as what its JSON would be.
Request = PatternRequest | Mapping[str, Any]

#: What Unix seconds are between, and what cursors are below: the gateway takes no more digits.
_EARLIEST, _LATEST, _CURSORS = -(10**9), 10**10, 10**18


def name_of(pattern: AnyPattern) -> str:
    """The pattern's name. Raises RequestRefused for what is no name."""
    name = pattern.name if isinstance(pattern, Pattern) else pattern
    if not is_token(name):
        raise RequestRefused.invalid(f"a pattern's name is 1 to 64 of A-Z a-z 0-9 _ -, not {_shown(name)}")
    return name


def json_of(request: Request) -> bytes:
    """A job's body; what has its default value in a model is left out. Raises RequestRefused for what is no JSON."""
    try:
        if isinstance(request, PatternRequest):
            return body_of(request)
        if not isinstance(request, Mapping):
            raise TypeError(f"it is of type {type(request).__name__}")
        return json.dumps(dict(request), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestRefused.invalid(f"the request is no JSON object: {error}"[:300]) from error


def check_key(key: str | None, name: str) -> None:
    """Raises RequestRefused for what is no idempotency key."""
    try:
        if key is not None:
            job_of(key, name, DEFAULT_TENANT)
    except InvalidRequest as error:
        raise RequestRefused(error.problem()) from error


def check_job(job: str) -> None:
    """Raises UnknownJob for what can be the id of none."""
    if not is_token(job):
        raise UnknownJob(job)


def check_signal(name: str) -> None:
    """Raises RequestRefused for what is the name of none."""
    if not is_token(name):
        raise RequestRefused.invalid(f"a signal's name is 1 to 64 of A-Z a-z 0-9 _ -, not {_shown(name)}")


def body_of_signal(body: BaseModel | JsonValue) -> bytes:
    """Its JSON. Raises RequestRefused for what is none."""
    try:
        if isinstance(body, BaseModel):
            return body.model_dump_json(by_alias=True).encode()
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestRefused.invalid(f"the signal is no JSON: {error}"[:300]) from error


def check_cursor(after: int) -> None:
    if isinstance(after, bool) or not isinstance(after, int) or not 0 <= after < _CURSORS:
        raise RequestRefused.invalid(f"a cursor is what `JobEvents.cursor` has, or 0; not {_shown(after)}")


def filters(
    pattern: AnyPattern | None,
    status: JobStatus | None,
    since: float | None,
    until: float | None,
    tenant: str | None,
) -> dict[str, Any]:
    """Those of a list of jobs that are given. Raises RequestRefused."""
    given: dict[str, Any] = {} if pattern is None else {"pattern": name_of(pattern)}
    if tenant is not None:
        if not is_tenant(tenant):
            raise RequestRefused.invalid(f"a tenant is 1 to 32 of a-z 0-9 -, not {_shown(tenant)}")
        given["tenant"] = tenant
    if status is not None:
        if status not in get_args(JobStatus):
            raise RequestRefused.invalid(f"a status is one of {', '.join(get_args(JobStatus))}, not {_shown(status)}")
        given["status"] = status
    for name, time in (("since", since), ("until", until)):
        if time is not None:
            if not isinstance(time, int | float) or not _EARLIEST < time < _LATEST:
                raise RequestRefused.invalid(f"{name} is Unix seconds, not {_shown(time)}")
            given[name] = float(time)
    return given


def _shown(value: object) -> str:
    return repr(value[:100]) if isinstance(value, str) else f"a value of type {type(value).__name__}"
