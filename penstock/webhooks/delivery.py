"""Delivering: one message of HOOKS, from its receipt to the receiver's 2xx, or to its dead letter."""

import logging
from datetime import UTC, datetime
from typing import Any

import httpx
from nats.aio.msg import Msg
from pydantic import ValidationError

from penstock.contracts.journal import END, JobEnd
from penstock.contracts.webhook import Hook
from penstock.hosting.installed import __version__
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.settling import GivenUp, Later, settling
from penstock.settings import Settings
from penstock.webhooks.body import body, webhook_id
from penstock.webhooks.schedule import next_try
from penstock.webhooks.signing import Signer
from penstock.webhooks.transport import Forbidden, Transport, Undelivered

log = logging.getLogger(__name__)

_GONE = 410


class HookHandler:
    """Any replica may be given any delivery of any hook. A receiver may be sent the same webhook-id twice."""

    def __init__(self, *, bus: Bus, transport: Transport, settings: Settings) -> None:
        self._bus, self._transport, self._settings = bus, transport, settings
        secret = settings.webhook_secret
        self._signer = Signer(secret.get_secret_value()) if secret else None

    async def handle(self, message: Msg) -> None:
        """Settle one delivery: acked at 2xx, terminated where it is given up, else handed back for its next try."""
        (job,) = subjects.tokens(message.subject)
        about: dict[str, Any] = {"job": job, "delivery": message.metadata.num_delivered}
        async with settling(self._bus, message, "webhook", about):
            try:
                url = Hook.model_validate_json(message.data).url
                host = about["host"] = httpx.URL(url).host
            except (ValidationError, httpx.InvalidURL):
                raise GivenUp("invalid_hook", "the message names no URL") from None
            elapsed = self._bus.time.now() - message.metadata.timestamp.timestamp()
            try:
                await self._send(url, job)
            except Forbidden as forbidden:
                raise GivenUp("webhook_forbidden", str(forbidden)) from forbidden
            except Undelivered as failed:
                pause = next_try(self._settings.webhook_retry_delays, elapsed, retry_after=failed.retry_after)
                if pause is None:
                    raise GivenUp("webhook_undelivered", f"{host}: {failed}") from failed
                log.info("webhook is tried again", extra={**about, "why": str(failed), "delay": round(pause, 1)})
                raise Later(pause) from failed
            log.info("webhook delivered", extra=about)

    async def _send(self, url: str, job: str) -> None:
        """One try. Raises Undelivered for all but 2xx; a redirect is such a failure too."""
        if self._signer is None:
            raise Undelivered("PENSTOCK_WEBHOOK_SECRET is not set any more")
        end = await self._bus.newest(subjects.JOURNAL, subjects.journal(job, END))
        if end is None:  # it is past its retention, and will be given up in time
            raise Undelivered("the journal does not hold the job's end")
        payload = body(job, JobEnd.model_validate_json(end.data), self._settings.webhook_max_body)
        headers = {
            "content-type": "application/json",
            "user-agent": f"Penstock/{__version__}",
            **self._signer.headers(webhook_id(job), datetime.now(UTC), payload),
        }
        reply = await self._transport.post(url, headers, payload)
        if reply.status == _GONE:
            raise GivenUp("webhook_gone", f"{httpx.URL(url).host} answered {_GONE}")
        if not 200 <= reply.status < 300:
            raise Undelivered(f"HTTP {reply.status}", retry_after=reply.retry_after)
