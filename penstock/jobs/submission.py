"""Submitting a job: publishing its request under its id, once."""

import os
import time

from penstock.errors import Failure
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus


def new_job_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): sorts by time of submission."""
    value = int.from_bytes(os.urandom(16)) & ~(0xFFFFFFFFFFFF << 80) | (time.time_ns() // 1_000_000) << 80
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


async def submit(bus: Bus, pattern: str, job: str, body: bytes, *, tenant: str | None = None) -> bool:
    """Publish a job. True: it is new; False: this very job was submitted before.

    Raises Failure("job_id_taken") where the id stands for another pattern or body.
    """
    headers = {subjects.TENANT_HEADER: tenant} if tenant else None
    if await bus.once(subjects.job(pattern, job), body, headers=headers):
        return True
    known = await bus.last(subjects.JOBS, [subjects.job(pattern, job)])
    if known and known[0].data == body:
        return False
    raise Failure("job_id_taken", f"job {job} was submitted before with another body")
