"""Signatures of Standard Webhooks."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from penstock.contracts.webhook import secrets
from penstock.errors import Misconfigured
from penstock.settings import Settings
from penstock.webhooks.delivery import signature
from tests.support.pipeline import pipeline_of
from tests.support.simulator import Steering
from tests.webhooks.conftest import SECRET
from tests.webhooks.hooked_jobs import asking, verified
from tests.webhooks.receiver import Receiver


def test_while_secrets_are_exchanged_both_receivers_can_verify() -> None:
    """The newest secret first, every secret signs."""
    newer = "whsec_" + base64.b64encode(b"n" * 32).decode()
    headers = signature(f"{newer} {SECRET}", "end_1", datetime.now(UTC), b'{"text":"\xc3\xa9"}')
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (newer, SECRET):
        assert Webhook(secret).verify(b'{"text":"\xc3\xa9"}', headers) == {"text": "é"}


async def test_a_secret_that_is_replaced_in_its_file_signs_what_is_delivered_next(
    settings: Settings, gemini: Steering, tmp_path: Path
) -> None:
    file, newer = tmp_path / "secret", "whsec_" + base64.b64encode(b"n" * 32).decode()
    file.write_text(f"{SECRET}\n")
    settings = settings.model_copy(update={"webhook_secret": None, "webhook_secret_file": file})
    async with pipeline_of(settings, gemini, "aggregator", "classifier", "workers") as pipeline, Receiver() as receiver:
        await pipeline.submit("routing", asking(receiver.url))
        (first,) = await receiver.until(1)
        verified(first)
        file.write_text(newer)
        await pipeline.submit("routing", asking(receiver.url))
        _, second = await receiver.until(2)
    assert Webhook(newer).verify(second.body, second.headers)


def test_a_file_without_a_secret_stops_the_service(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    with pytest.raises(Misconfigured, match="24 to 64 bytes") as refused:
        Settings(webhook_secret_file=tmp_path / "secret")
    assert "hunter2" not in str(refused.value)


def test_a_secret_may_come_without_padding() -> None:
    padded = "whsec_" + base64.b64encode(b"x" * 25).decode()
    assert secrets(padded.rstrip("=")) == secrets(padded) == [b"x" * 25]


@pytest.mark.parametrize("length", [23, 65])
def test_a_secret_has_24_to_64_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="24 to 64"):
        secrets("whsec_" + base64.b64encode(b"x" * length).decode())
