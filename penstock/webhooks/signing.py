"""The signature of Standard Webhooks (standardwebhooks.com, version 1.0.0), symmetric scheme."""

from datetime import datetime

from standardwebhooks import Webhook

from penstock.contracts.webhook import secrets


class Signer:
    """Signs with every secret, so that a receiver may still hold the old one while secrets are exchanged."""

    def __init__(self, text: str) -> None:
        self._webhooks = [Webhook(secret) for secret in secrets(text)]

    def headers(self, webhook_id: str, at: datetime, body: bytes) -> dict[str, str]:
        """The three headers for one try, made at `at` (UTC)."""
        signatures = (webhook.sign(webhook_id, at, body.decode()) for webhook in self._webhooks)
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
