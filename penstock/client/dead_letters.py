"""Dead letters: what could not be handled, why, and how to have it done after all. Over NATS only."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import NamedTuple

from penstock import jobs
from penstock.client.errors import ClientError
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus, Stored


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`number` is its place in DEAD. `subject`, `stream`, `sequence`: where the message was."""

    number: int
    time: str
    reason: str
    detail: str
    subject: str
    stream: str
    sequence: int
    tenant: str | None
    #: The message, or its beginning: then `length` is what it had.
    body: bytes
    length: int

    @property
    def job(self) -> str | None:
        """The job it belongs to, where its subject tells."""
        tokens = self.subject.split(".")
        place = {subjects.JOBS: 2, subjects.STEPS: 3}.get(self.stream)
        return tokens[place] if place is not None and len(tokens) > place else None

    @classmethod
    def of(cls, stored: Stored) -> "DeadLetter":
        headers = stored.headers
        return cls(
            number=stored.sequence,
            time=stored.time,
            reason=headers.get(subjects.DEAD_REASON_HEADER, ""),
            detail=headers.get(subjects.DEAD_DETAIL_HEADER, ""),
            subject=headers.get(subjects.DEAD_SUBJECT_HEADER, stored.subject.removeprefix(subjects.dead(""))),
            stream=headers.get(subjects.DEAD_STREAM_HEADER, ""),
            sequence=int(headers.get(subjects.DEAD_SEQUENCE_HEADER, "0")),
            tenant=headers.get(subjects.TENANT_HEADER),
            body=stored.data,
            length=int(headers.get(subjects.DEAD_LENGTH_HEADER, len(stored.data))),
        )


class Replayed(NamedTuple):
    """`new`: False where this letter was replayed before: then it is that job, whatever became of it."""

    job: str
    new: bool


class NotReplayable(ClientError):
    """The message says why, and what to do instead."""


class DeadLetters:
    """The stream DEAD, over `bus`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def all(self, *, subject: str = ">", reason: str | None = None) -> AsyncGenerator[DeadLetter, None]:
        """Letters whose origin subject fits (NATS wildcards), for that reason, oldest first."""
        async for stored in self._bus.history(subjects.DEAD, subjects.dead(subject)):
            letter = DeadLetter.of(stored)
            if reason is None or letter.reason == reason:
                yield letter

    async def get(self, number: int) -> DeadLetter:
        """Raises NotReplayable where there is none of that number."""
        async for stored in self._bus.history(subjects.DEAD, subjects.dead(">"), after=number - 1):
            if stored.sequence == number:
                return DeadLetter.of(stored)
            break
        raise NotReplayable(f"there is no dead letter {number}")

    async def replay(self, letter: DeadLetter, *, whole_job: bool = False) -> Replayed:
        """Have a dead job done under a new id: its own is ended for good, or stands for another request.

        The new id follows from the letter, so that a second replay finds the job of the first. A step cannot
        be replayed alone, since its job has ended without it: with `whole_job` its job is.

        Raises NotReplayable.
        """
        if letter.stream == subjects.STEPS and whole_job:
            subject, body = await self._job_of(letter)
        elif letter.stream == subjects.STEPS:
            raise NotReplayable(
                f"dead letter {letter.number} is a step of job {letter.job}, which went on or ended without it: a late "
                f"outcome changes nothing. Have the job done anew: penstock dead replay {letter.number} --whole-job"
            )
        elif letter.stream == subjects.JOBS:
            subject, body = letter.subject, await self._whole_body(letter)
        else:
            raise NotReplayable(
                f"dead letter {letter.number} is from {letter.stream or 'nowhere'}: only jobs are replayed"
            )
        pattern = subject.split(".")[1]
        unique = hashlib.sha256(f"{letter.number} {letter.time} {subject}".encode()).hexdigest()[:24]
        job = f"replay-{letter.number}-{unique}"
        return Replayed(job, await jobs.submit(self._bus, pattern, job, body, tenant=letter.tenant))

    async def _job_of(self, letter: DeadLetter) -> tuple[str, bytes]:
        found = await self._bus.last(subjects.JOBS, [subjects.job("*", letter.job or "")])
        if not found:
            raise NotReplayable(f"job {letter.job} is past its retention")
        return found[0].subject, found[0].data

    async def _whole_body(self, letter: DeadLetter) -> bytes:
        if letter.length == len(letter.body):
            return letter.body
        found = [
            one for one in await self._bus.last(letter.stream, [letter.subject]) if one.sequence == letter.sequence
        ]
        if not found:
            raise NotReplayable(f"dead letter {letter.number} is cut, and the message itself is past its retention")
        return found[0].data
