"""The queue of deliveries: putting a job's end into it, and when a delivery that failed is tried again."""

from collections.abc import Sequence
from itertools import accumulate

from penstock.backoff import jittered
from penstock.contracts.options import PatternRequest
from penstock.contracts.webhook import Hook
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus

#: A receiver's Retry-After is honoured up to this many seconds.
_LONGEST_REQUESTED = 3600.0


async def enqueue(bus: Bus, job: str, request: PatternRequest | None) -> None:
    """Have the job's end delivered, if its request names a webhook. To be called between end and ack.

    A job message that is delivered again, after its end was queued, queues nothing new: the subject
    holds one message, and for two minutes the stream knows the message's id. Past these, a receiver may
    be sent the same webhook-id once more.
    """
    if request is None or request.options.webhook is None:
        return
    hook = Hook(url=request.options.webhook)
    await bus.once(subjects.hook(job), hook.model_dump_json().encode(), headers={"Nats-Msg-Id": f"hook.{job}"})


def next_try(delays: Sequence[float], elapsed: float, *, retry_after: float | None = None) -> float | None:
    """Seconds until the next try, or None after the last.

    `delays` are the pauses between planned tries; `elapsed` is how long after the job's end the failed
    try began. It is time that counts, not deliveries: work that a deploy interrupts uses up no try.
    """
    for planned in accumulate(delays):
        if planned > elapsed:
            return jittered(max(planned - elapsed, min(retry_after or 0.0, _LONGEST_REQUESTED)))
    return None
