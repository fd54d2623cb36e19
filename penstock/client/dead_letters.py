"""Dead letters, as a program on NATS looks after them."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from penstock.client.errors import ClientError, in_time
from penstock.errors import Refused
from penstock.jetstream.bus import Bus
from penstock.jobs import dead_letters
from penstock.jobs.dead_letters import DeadLetter


class NotReplayable(ClientError):
    """The message says why, and what to do instead."""


class DeadLetters:
    """The stream DEAD, as penstock.jobs.dead_letters has it. Every method may raise Unreachable."""

    def __init__(self, bus: Bus) -> None:
        self._letters = dead_letters.DeadLetters(bus)

    async def all(
        self, *, subject: str = ">", reason: str | None = None, after: int = 0
    ) -> AsyncGenerator[DeadLetter, None]:
        """Letters behind number `after` whose origin subject fits (NATS wildcards), for that reason, oldest first."""
        with in_time("reading dead letters"):
            async with aclosing(self._letters.all(subject=subject, reason=reason, after=after)) as letters:
                async for letter in letters:
                    yield letter

    async def get(self, number: int) -> DeadLetter:
        """Raises NotReplayable where there is none of that number."""
        with _told("reading dead letters", ": `penstock dead list` shows those there are"):
            return await self._letters.get(number)

    async def purge(self, letter: DeadLetter) -> None:
        """Remove it. What it is a copy of, and the job it belongs to, stay as they are."""
        with _told(f"removing dead letter {letter.number}"):
            await self._letters.purge(letter)

    async def replay(self, letter: DeadLetter, *, whole_job: bool = False) -> tuple[str, bool]:
        """Submit a dead job again, under a new id; of a dead step with `whole_job` its whole job. The id, and whether
        the job is new: a second replay finds the job of the first. A webhook is queued again, under its job's id.

        Raises NotReplayable.
        """
        with _told(f"replaying dead letter {letter.number}"):
            return await self._letters.replay(letter, whole_job=whole_job)


@contextmanager
def _told(what: str, instead: str = "") -> Iterator[None]:
    with in_time(what):
        try:
            yield
        except Refused as refused:
            raise NotReplayable(refused.detail + instead) from refused
