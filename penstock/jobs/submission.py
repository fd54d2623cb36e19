"""From a request to a job: what the request must be, the job's id, and publishing it under that id, once."""

import hashlib
import logging
import os
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from penstock import correlation
from penstock.contracts.budgets import PayingKey
from penstock.contracts.options import PatternRequest
from penstock.contracts.wire import JobName, is_token
from penstock.errors import Failure, InvalidRequest
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.refusals import invalid_request, unknown_pattern
from penstock.llm.selector import check_model
from penstock.pattern import Pattern
from penstock.settings import Settings
from penstock.webhooks.admission import check_webhook

log = logging.getLogger(__name__)

#: So many tries at a job are seen as such.
_TRIES = 100


def parse_request(
    patterns: Mapping[str, Pattern[Any, Any]], name: str, body: bytes, settings: Settings | None = None
) -> PatternRequest:
    """The request in a job's body. Raises Failure: unknown_pattern, or invalid_request naming each field.

    `settings`: also for a webhook that a deployment with these would not deliver, or a model that it does not allow.
    """
    if name not in patterns:
        raise unknown_pattern(name, patterns)
    try:
        request: PatternRequest = patterns[name].request.model_validate_json(body)
    except ValidationError as error:
        raise invalid_request(error) from None
    if settings is not None:
        check_webhook(request, settings)
        check_model(request, settings)
    return request


def body_of(request: PatternRequest) -> bytes:
    """A job's body, as the model writes it: spelling and written-out defaults make no other request of it."""
    return request.model_dump_json(by_alias=True, exclude_defaults=True).encode()


def new_job_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): sorts by time of submission."""
    return _uuid((time.time_ns() // 1_000_000).to_bytes(6) + os.urandom(10), version=7)


def job_of(key: str, pattern: str, tenant: str) -> JobName:
    """The job that a tenant's idempotency key stands for, whichever way the request comes in.

    Its id is a UUIDv8 (RFC 9562, section 5.8) made from the SHA-256 of the three. Raises InvalidRequest for what is no
    key.
    """
    if not (isinstance(key, str) and 1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise InvalidRequest("an idempotency key is 1 to 255 visible ASCII characters")
    return JobName(tenant, _uuid(hashlib.sha256("\0".join((tenant, pattern, key)).encode()).digest()[:16], version=8))


def retry_of(job: JobName) -> JobName:
    """The job that is the next try at `job`: always the same, so that it is one however often it is asked for."""
    # no tenant is called ""
    return JobName(job.tenant, _uuid(hashlib.sha256(f"\0{job}".encode()).digest()[:16], version=8))


def tries_before(job: JobName, first: object) -> list[JobName]:
    """The job with the id `first`, of the same tenant, and each try at it before `job`.

    None where `job` is no try at it, or beyond the hundredth.
    """
    tries = [JobName(job.tenant, str(first))] if is_token(first) else []
    while tries and len(tries) <= _TRIES:
        if (following := retry_of(tries[-1])) == job:
            return tries
        tries.append(following)
    return []


def _uuid(value: bytes, *, version: int) -> str:
    number = int.from_bytes(value) & ~(0xF << 76 | 0x3 << 62)
    return str(UUID(int=number | version << 76 | 0x2 << 62))


def paid_by(key: PayingKey | None) -> dict[str, str]:
    """Headers of the message of a job that was submitted with this key."""
    return {subjects.KEY_HEADER: key.model_dump_json()} if key else {}


def paying_key(headers: Mapping[str, str] | None) -> PayingKey | None:
    """The key that a job's message names. What is none is none of a gateway's, and its job is paid by the tenant."""
    try:
        return PayingKey.model_validate_json((headers or {}).get(subjects.KEY_HEADER, ""))
    except ValidationError:
        return None


async def submit(
    bus: Bus, pattern: str, job: JobName, body: bytes, *, keyed: bool = False, paying: PayingKey | None = None
) -> bool:
    """Publish a job. True: it is new; False: this very job was submitted before. `paying`: the caller's key.

    Raises Failure("job_id_taken") where the id stands for another pattern or body; where the id is `keyed`, made from
    an idempotency key, the failure is "idempotency_key_reused".
    """
    if await bus.once(subjects.job(pattern, job), body, headers=correlation.headers() | paid_by(paying)):
        log.info("job submitted", extra={**job.about, "pattern": pattern})
        return True
    if (known := await bus.last_from_leader(subjects.job(pattern, job))) and known.data == body:
        return False
    code, what = ("idempotency_key_reused", "the key") if keyed else ("job_id_taken", f"the id {job.id}")
    raise Failure(code, f"{what} was used before, with another body")
