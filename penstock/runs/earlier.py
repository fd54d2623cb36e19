"""What earlier tries at a job have finished, and how a run takes it over (penstock.jobs.retry, ADR 19)."""

from dataclasses import dataclass

from penstock.contracts.journal import JobStart, Outcome
from penstock.contracts.step import StepMessage
from penstock.contracts.usage import Usage
from penstock.contracts.wire import JobName
from penstock.document import shown_anew
from penstock.jetstream.bus import Bus
from penstock.jobs.lookup import read
from penstock.jobs.submission import tries_before
from penstock.runs.work import Facts, Log


@dataclass(frozen=True)
class Earlier:
    """`outcomes`: by key, the latest of each, without its usage: their jobs have paid for it.

    `seed`: what chance goes by in all tries at the job.
    """

    outcomes: dict[str, Outcome]
    seed: str

    @classmethod
    async def of(cls, bus: Bus, job: JobName, start: JobStart) -> "Earlier":
        found: dict[str, Outcome] = {}
        first = job, start.accepted_at
        for number, earlier in enumerate(tries_before(job, start.retry_of)):
            record = await read(bus, earlier)
            if number == 0 and record.start is not None:
                first = earlier, record.start.accepted_at
            for outcome in record.outcomes:
                if outcome.failure is None:
                    # without `i` and `n`: readers of this job are shown no attempt at it
                    found[outcome.key] = outcome.model_copy(update={"usage": Usage(), "paid": {}, "i": "", "n": None})
        return cls(found, " ".join(map(str, first)))

    async def has_done(self, message: StepMessage, journal: Facts, events: Log) -> bool:
        """Whether the very same step is done: then its outcome is shown to readers, and copied into the journal."""
        done = self.outcomes.get(message.key)
        asked = message.step, message.fingerprint, message.into
        if done is None or (done.step, done.fingerprint, done.into) != asked:
            return False
        done = done.model_copy(update={"words_into": message.words_into})
        for event in shown_anew(done):
            events.send(event)
        await events.flush()
        await journal.write(done.key, done)
        return True
