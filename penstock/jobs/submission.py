"""Submitting a job: publishing its request under its id, once."""

import hashlib
import os
import time
from uuid import UUID

from penstock.errors import Failure, InvalidRequest
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus


def new_job_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): sorts by time of submission."""
    return _uuid((time.time_ns() // 1_000_000).to_bytes(6) + os.urandom(10), version=7)


def job_id_of(key: str, pattern: str) -> str:
    """The job that an idempotency key stands for, whichever way the request comes in.

    A UUIDv8 (RFC 9562, section 5.8) made from the SHA-256 of both. Raises InvalidRequest for what is no key.
    """
    if not 1 <= len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise InvalidRequest("an idempotency key is 1 to 255 visible ASCII characters")
    return _uuid(hashlib.sha256("\0".join((pattern, key)).encode()).digest()[:16], version=8)


def _uuid(value: bytes, *, version: int) -> str:
    number = int.from_bytes(value) & ~(0xF << 76 | 0x3 << 62)
    return str(UUID(int=number | version << 76 | 0x2 << 62))


async def submit(bus: Bus, pattern: str, job: str, body: bytes, *, keyed: bool = False) -> bool:
    """Publish a job. True: it is new; False: this very job was submitted before.

    Raises Failure("job_id_taken") where the id stands for another pattern or body; where the id is `keyed`, made from
    an idempotency key, the failure is "idempotency_key_reused".
    """
    if await bus.once(subjects.job(pattern, job), body):
        return True
    known = await bus.newest(subjects.JOBS, subjects.job(pattern, job))
    if known is not None and known.data == body:
        return False
    if keyed:
        raise Failure("idempotency_key_reused", "the key was used before, with another body")
    raise Failure("job_id_taken", f"job {job} was submitted before with another body")
