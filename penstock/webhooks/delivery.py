"""Delivering a job's end, or a budget's warning: into HOOKS, and from there to the receiver's 2xx, or a dead letter."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import accumulate
from typing import Any

import httpx2
from nats.aio.msg import Msg
from pydantic import ValidationError
from standardwebhooks import Webhook

from penstock import correlation, tracing
from penstock.backoff import delay, jittered
from penstock.contracts.journal import END, JobEnd
from penstock.contracts.options import PatternRequest
from penstock.contracts.webhook import EndedJob, Hook, WebhookBody, secrets
from penstock.contracts.wire import JobName
from penstock.errors import BusUnavailable
from penstock.installed import __version__
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.pull import PullGroup
from penstock.jetstream.settling import GivenUp, Later, leave_to_newer, settling
from penstock.settings import Settings
from penstock.webhooks.metrics import WebhookMetrics
from penstock.webhooks.transport import Forbidden, Transport, Undelivered

log = logging.getLogger(__name__)

#: Seconds that running deliveries get at most at the end of a process, on top of the grace that its jobs
#: had; what is cut off is sent again by another replica.
_LONGEST_GRACE = 5.0
#: A receiver's Retry-After is honoured up to this many seconds.
_LONGEST_REQUESTED = 3600.0
#: Seconds for which a delivery is handed back whose host has all its slots taken; doubles with its deliveries.
_FIRST_BUSY, _LONGEST_BUSY = 0.5, 15.0


async def enqueue(bus: Bus, job: JobName, request: PatternRequest | None) -> None:
    """Have the job's end delivered, if its request names a webhook. To be called between end and ack.

    A job message that is delivered again, after its end was queued, queues nothing new: the subject
    holds one message, and for two minutes the stream knows the message's id. Past these, a receiver may
    be sent the same webhook-id once more.
    """
    if request is None or request.options.webhook is None:
        return
    hook = Hook(url=request.options.webhook)
    await bus.once(
        subjects.hook(job),
        hook.model_dump_json().encode(),
        headers=correlation.headers() | {"Nats-Msg-Id": f"hook.{job}"},
    )


class Dispatcher:
    """Consumes HOOKS from `start` to `stop`, in slots of its own, so that slow receivers hold up nothing else.

    Nor each other: a host has only some of the slots, and what finds them taken is handed back for a while.
    Any replica may be given any delivery of any hook. A receiver may be sent the same webhook-id twice.
    """

    def __init__(self, bus: Bus, settings: Settings, metrics: WebhookMetrics) -> None:
        self._bus, self._settings, self._metrics = bus, settings, metrics
        self._group = PullGroup(slots=settings.webhook_slots, ack_wait=settings.ack_wait)
        self._transport = Transport(settings)
        self._sending = Counter[str]()

    async def start(self) -> None:
        self._bus.on_reconnect(self._group.reconnected)
        await self._group.consume(self._bus.connection, subjects.HOOKS, subjects.HOOKS_CONSUMER, self._handle)

    async def stop(self) -> None:
        await self._group.stop(min(_LONGEST_GRACE, self._settings.grace))
        await self._transport.aclose()

    async def _handle(self, message: Msg) -> None:
        """Settle one delivery: acked at 2xx, terminated where it is given up, else returned until its next try."""
        job = subjects.of_hook(message.subject)
        about: dict[str, Any] = {**job.about, "delivery": message.metadata.num_delivered}
        async with settling(self._bus, message, "webhook", about), self._metrics.counted():
            try:
                hook = Hook.model_validate_json(message.data)
                url = httpx2.URL(hook.url)
            except (ValidationError, httpx2.InvalidURL):
                leave_to_newer(message.headers, "a webhook")
                raise GivenUp("invalid_hook", "the message names no URL") from None
            host = about["host"] = url.raw_host.decode("ascii").lower()
            elapsed = self._bus.time.now() - message.metadata.timestamp.timestamp()
            try:
                with self._slot_of(host, message, elapsed):
                    await self._send(url, job, hook)
            except (GivenUp, Later, BusUnavailable):
                raise
            except Forbidden as forbidden:
                raise GivenUp("webhook_forbidden", str(forbidden)) from forbidden
            except Exception as error:
                if not isinstance(error, Undelivered):
                    log.exception("a webhook could not be sent", extra=about)
                    error = Undelivered(type(error).__name__)
                pause = next_try(self._settings.webhook_retry_delays, elapsed, retry_after=error.retry_after)
                if pause is None:
                    raise GivenUp("webhook_undelivered", f"{host}: {error}") from error
                log.info("webhook is tried again", extra={**about, "why": str(error), "delay": round(pause, 1)})
                raise Later(pause) from error
            log.info("webhook delivered", extra=about)

    @contextmanager
    def _slot_of(self, host: str, message: Msg, elapsed: float) -> Iterator[None]:
        """One of the host's slots. Where none is free, raises Later; after the last planned try, Undelivered."""
        if self._sending[host] >= self._settings.webhook_slots_per_host:
            if elapsed > sum(self._settings.webhook_retry_delays):
                raise Undelivered("too many other deliveries to this host")
            raise Later(delay(message.metadata.num_delivered, first=_FIRST_BUSY, longest=_LONGEST_BUSY))
        self._sending[host] += 1
        try:
            yield
        finally:
            self._sending[host] -= 1
            if not self._sending[host]:
                del self._sending[host]

    async def _send(self, url: httpx2.URL, job: JobName, hook: Hook) -> None:
        """One try. Raises Undelivered for all but 2xx; a redirect is such a failure too."""
        secret = self._settings.signed_with()
        if secret is None:
            raise Undelivered("PENSTOCK_WEBHOOK_SECRET is not set any more")
        if hook.body is None:
            id, payload = f"end_{job.id}", await self._payload(job)
        else:
            id, payload = f"{job.tenant}_{job.id}", hook.body.model_dump_json().encode()
        asked = {"http.request.method": "POST", "server.address": url.raw_host.decode(), "server.port": url.port}
        span = tracing.begin("POST", asked, kind="client")
        headers = {
            "content-type": "application/json",
            "user-agent": f"Penstock/{__version__}",
            **correlation.headers(),
            # the id is the same for every try of every replica: receivers know a repetition by it
            **signature(secret, id, datetime.now(UTC), payload),
        }
        try:
            status, retry_after = await self._transport.post(url, headers, payload)
        except BaseException as error:
            span.end(error=type(error).__name__)
            raise
        span.end({"http.response.status_code": status}, error=None if 200 <= status < 300 else str(status))
        if status == HTTPStatus.GONE:
            raise GivenUp("webhook_gone", f"{url.raw_host.decode()} answered 410")
        if not 200 <= status < 300:
            raise Undelivered(f"HTTP {status}", retry_after=retry_after)

    async def _payload(self, job: JobName) -> bytes:
        end = await self._bus.last_from_leader(subjects.journal(job, END))
        if end is None:  # it is past its retention, and will be given up in time
            raise Undelivered("the journal does not hold the job's end")
        return body(job, JobEnd.model_validate_json(end.data), self._settings.webhook_max_body)


def next_try(delays: Sequence[float], elapsed: float, *, retry_after: float | None = None) -> float | None:
    """Seconds until the next try, or None after the last.

    `delays` are the pauses between planned tries; `elapsed` is how long after the job's end the failed
    try began. It is time that counts, not deliveries: work that a deploy interrupts uses up no try.
    """
    for planned in accumulate(delays):
        if planned > elapsed:
            return jittered(max(planned - elapsed, min(retry_after or 0.0, _LONGEST_REQUESTED)))
    return None


def body(job: JobName, end: JobEnd, limit: int) -> bytes:
    """The end as JSON. Above `limit` bytes it goes without the result, and without the problem if need be."""
    data = EndedJob(**dict(end) | {"id": job.id})
    for left_out in ({}, {"result": None, "truncated": True}, {"problem": None, "missing": ()}):
        data = data.model_copy(update=left_out)
        kind: Any = f"job.{end.status}"
        encoded = WebhookBody(type=kind, timestamp=end.ended_at, data=data).model_dump_json().encode()
        if len(encoded) <= limit:
            break
    return encoded


def signature(text: str, webhook_id: str, at: datetime, payload: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks 1.0.0 (symmetric scheme) for one try, made at `at` (UTC).

    Every secret of the setting `text` signs, so that a receiver may still hold the old one while it is replaced.
    """
    signatures = (Webhook(secret).sign(webhook_id, at, payload.decode()) for secret in secrets(text))
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
