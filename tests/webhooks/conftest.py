"""Settings that let webhooks reach this machine, and try again at once."""

import pytest

from penstock.settings import Settings
from tests.support.servers import NatsServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def settings(nats: NatsServer, gemini_url: str) -> Settings:
    return Settings(
        nats_url=nats.url,
        model_base_url=gemini_url,
        ack_wait=3,
        grace=5,
        nats_timeout=10,
        model_retry_delay=0.05,
        port=0,
        webhook_secret=SECRET,
        webhook_allowed_hosts="127.0.0.1",
        webhook_retry_delays="0.1,0.1,0.1,0.1",
    )
