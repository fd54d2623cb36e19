"""Signatures of Standard Webhooks."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from penstock.contracts.webhook import secrets
from penstock.webhooks.delivery import signature
from tests.webhooks.conftest import SECRET


def test_while_secrets_are_exchanged_both_receivers_can_verify() -> None:
    """The newest secret first, every secret signs."""
    newer = "whsec_" + base64.b64encode(b"n" * 32).decode()
    headers = signature(f"{newer} {SECRET}", "end_1", datetime.now(UTC), b'{"text":"\xc3\xa9"}')
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (newer, SECRET):
        assert Webhook(secret).verify(b'{"text":"\xc3\xa9"}', headers) == {"text": "é"}


def test_a_secret_may_come_without_padding() -> None:
    padded = "whsec_" + base64.b64encode(b"x" * 25).decode()
    assert secrets(padded.rstrip("=")) == secrets(padded) == [b"x" * 25]


@pytest.mark.parametrize("length", [23, 65])
def test_a_secret_has_24_to_64_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="24 to 64"):
        secrets("whsec_" + base64.b64encode(b"x" * length).decode())
