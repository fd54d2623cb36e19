"""Putting a job's end in the queue of deliveries."""

from penstock.contracts.options import PatternRequest
from penstock.contracts.webhook import Hook
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus


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
