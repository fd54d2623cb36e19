"""Settings that let webhooks reach this machine, and try again at once."""

import pytest

from penstock.settings import Settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    webhooks = Settings(
        webhook_secret=SECRET, webhook_allowed_hosts="127.0.0.1:*,127.0.0.2:*", webhook_retry_delays="0.1,0.1,0.1,0.1"
    )
    return settings.model_copy(update=webhooks.model_dump(include=webhooks.model_fields_set))
