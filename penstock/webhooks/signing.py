"""The signature of Standard Webhooks (standardwebhooks.com, version 1.0.0), symmetric scheme."""

import base64
import binascii
from datetime import datetime

from standardwebhooks import Webhook

_PREFIX = "whsec_"
#: Bytes of a secret, by the specification.
_SHORTEST, _LONGEST = 24, 64


def secrets(text: str) -> list[bytes]:
    """The secrets in a setting: `whsec_` and base64 each, separated by blanks; the newest first.

    Raises ValueError, which does not quote any of it.
    """
    found = []
    for part in text.split():
        encoded = part.removeprefix(_PREFIX)
        try:
            secret = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if encoded == part or not _SHORTEST <= len(secret) <= _LONGEST:
            raise ValueError(f"a webhook secret is {_PREFIX} and {_SHORTEST} to {_LONGEST} bytes in base64")
        found.append(secret)
    if not found:
        raise ValueError("there is no webhook secret in it")
    return found


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
