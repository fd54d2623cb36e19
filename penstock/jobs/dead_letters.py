"""Dead letters: messages that could not be handled, the reason, and how to submit their jobs again."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from nats.js.errors import APIError
from pydantic import BaseModel, ConfigDict, Field, computed_field

from penstock.contracts.journal import END
from penstock.contracts.wire import JobName, Time, Tolerant, is_token, omitted, rfc3339
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.submission import job_of, submit

#: The server's answer where the message to delete is not there.
_GONE = 10057
#: Of what a header says as a number; a sequence of NATS has as many at most.
_DIGITS = 20
#: Places of DEAD that are looked at for a page.
_EXAMINED = 2_000


class DeadLetter(BaseModel):
    """`number` is its place in DEAD. `subject`, `stream`, `sequence`: where the message was."""

    model_config = ConfigDict(frozen=True)

    number: int
    time: Time
    reason: str = Field("", validation_alias=subjects.DEAD_REASON_HEADER)
    detail: str = Field("", validation_alias=subjects.DEAD_DETAIL_HEADER)
    subject: str = Field(validation_alias=subjects.DEAD_SUBJECT_HEADER)
    stream: str = Field("", validation_alias=subjects.DEAD_STREAM_HEADER)
    sequence: int = Field(0, validation_alias=subjects.DEAD_SEQUENCE_HEADER)
    #: Bytes of the message. Of a long one `body` is only the beginning.
    length: int = Field(validation_alias=subjects.DEAD_LENGTH_HEADER)
    body: bytes = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def job(self) -> str | None:
        """The id of the job it belongs to, where its subject names one."""
        return self.name.id if self.name else None

    @property
    def name(self) -> JobName | None:
        """The same, with its tenant."""
        return subjects.named_in(self.subject)


class DeadLetterPage(Tolerant):
    """Letters without their bodies, newest first. `next` is the cursor of the next page, if there may be one."""

    letters: tuple[DeadLetter, ...]
    next: str | None = omitted()


@dataclass(frozen=True)
class DeadLetters:
    """The stream DEAD. Every method may raise BusUnavailable."""

    bus: Bus

    async def all(
        self, *, subject: str = ">", reason: str | None = None, after: int = 0, until: int | None = None
    ) -> AsyncGenerator[DeadLetter, None]:
        """Letters behind number `after`, up to `until`, whose origin subject fits (NATS wildcards), for that reason,
        oldest first.
        """
        async for stored in self.bus.history(subjects.dead(subject), after=after, until=until):
            # what it is a copy of is in its subject; what its headers say of that, whoever wrote it may have made up
            origin, said = stored.subject.removeprefix(subjects.dead("")), stored.headers
            own = {
                subjects.DEAD_SUBJECT_HEADER: origin,
                subjects.DEAD_STREAM_HEADER: subjects.stream_of(origin),
                subjects.DEAD_SEQUENCE_HEADER: _number(said.get(subjects.DEAD_SEQUENCE_HEADER), 0),
                subjects.DEAD_LENGTH_HEADER: _number(said.get(subjects.DEAD_LENGTH_HEADER), len(stored.data)),
            }
            letter = DeadLetter.model_validate(
                said | own | {"number": stored.sequence, "time": stored.time, "body": stored.data}
            )
            if reason is None or letter.reason == reason:
                yield letter

    async def page(
        self, *, subject: str = ">", reason: str | None = None, limit: int, cursor: int | None = None
    ) -> DeadLetterPage:
        """Up to `limit` letters, newest first, of those before number `cursor`.

        Work is bounded: a page may have fewer, even none, and yet a next one.
        """
        state = (await self.bus.retrying("list", lambda: self.bus.jetstream.stream_info(subjects.DEAD))).state
        first, high = max(1, state.first_seq), state.last_seq if cursor is None else min(state.last_seq, cursor - 1)
        lowest, found = high - _EXAMINED, list[DeadLetter]()
        while high >= first and high > lowest and len(found) < limit:
            low = max(first, high - limit + 1)
            reading = self.all(subject=subject, reason=reason, after=low - 1, until=high)
            found += reversed([letter.model_copy(update={"body": b""}) async for letter in reading])
            high = low - 1
        if len(found) > limit:
            found = found[:limit]
            high = found[-1].number - 1
        return DeadLetterPage(letters=tuple(found), next=str(high + 1) if high >= first else None)

    async def get(self, number: int) -> DeadLetter:
        """Raises Refused("unknown_dead_letter")."""
        async with aclosing(self.all(after=number - 1, until=number)) as behind:
            letter = await anext(behind, None)
        if letter is None:
            raise Refused("unknown_dead_letter", f"there is no dead letter {number}")
        return letter

    async def purge(self, letter: DeadLetter) -> None:
        """Remove it. What it is a copy of, and the job it belongs to, stay as they are."""

        async def remove() -> None:
            try:
                await self.bus.jetstream.delete_msg(subjects.DEAD, letter.number)
            except APIError as error:  # a try whose answer was lost may have removed it
                if error.err_code != _GONE:
                    raise

        await self.bus.retrying("remove a dead letter", remove)

    async def replay(self, letter: DeadLetter, *, whole_job: bool = False) -> tuple[str, bool]:
        """Submit a dead job again, under a new id: its own has ended, or belongs to another request.

        The id, and whether the job is new: the letter is the idempotency key, so that a second replay finds the job of
        the first. A step cannot be replayed alone, since its job has ended without it: with `whole_job` its job is.
        A webhook is queued again with all its tries, under its job's id; it is new unless it is still queued.

        Raises Refused("not_replayable").
        """
        if letter.name is None:
            raise _not_replayable(
                f"dead letter {letter.number} is from {letter.stream}, and its subject names no job: only jobs, steps"
                " and webhooks can be replayed"
            )
        return await (self._queue_again(letter) if letter.stream == subjects.HOOKS else self._submit(letter, whole_job))

    async def _submit(self, letter: DeadLetter, whole_job: bool) -> tuple[str, bool]:
        if letter.stream == subjects.STEPS and not whole_job:
            raise _not_replayable(
                f"dead letter {letter.number} is a step of job {letter.job}, which continued or ended without it: a "
                f"late outcome changes nothing. Run the job again: penstock dead replay {letter.number} --whole-job"
            )
        subject, body = await self._job_of(letter)
        pattern, dead = subjects.of_job(subject)
        job = job_of(f"dead letter {letter.number} of {rfc3339(letter.time)}", pattern, dead.tenant)
        return job.id, await submit(self.bus, pattern, job, body)

    async def _queue_again(self, letter: DeadLetter) -> tuple[str, bool]:
        job = subjects.of_hook(letter.subject)
        ends = is_token(job.id)  # else it is of a budget, and has all that is told
        if ends and await self.bus.last_from_leader(subjects.journal(job, END)) is None:
            raise _not_replayable(
                f"job {job.id} is past its retention: its end, which would be sent, is no longer kept"
            )
        return job.id, await self.bus.once(letter.subject, letter.body)

    async def _job_of(self, letter: DeadLetter) -> tuple[str, bytes]:
        """The subject and body of the job to submit."""
        is_job = letter.stream == subjects.JOBS
        if is_job and letter.length == len(letter.body):
            return letter.subject, letter.body
        submitted = letter.subject if is_job or letter.name is None else subjects.job("*", letter.name)
        stored = await self.bus.last_from_leader(submitted)
        if stored is None or (is_job and stored.sequence != letter.sequence):
            raise _not_replayable(f"job {letter.job} is past its retention: its request is no longer kept")
        return stored.subject, stored.data


def _number(said: str | None, otherwise: int) -> int:
    return int(said) if said and said.isascii() and said.isdigit() and len(said) <= _DIGITS else otherwise


def _not_replayable(detail: str) -> Refused:
    return Refused("not_replayable", detail)
