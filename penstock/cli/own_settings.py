"""Settings of commands that go to NATS themselves; `penstock serve` is one, and needs no client."""

import os
from pathlib import Path

from penstock.local.processes import with_token
from penstock.settings import Settings


def settings_with(nats_url: str | None) -> Settings:
    """Settings, for that NATS if one is given; with its token, where `penstock up` has started it from this folder."""
    settings = Settings(nats_url=nats_url) if nats_url else Settings()
    folder = Path(os.environ.get("PENSTOCK_DATA") or "data")
    return settings.model_copy(update={"nats_url": with_token(folder, settings.nats_url)})
