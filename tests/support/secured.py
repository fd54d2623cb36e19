"""A nats-server as `penstock nats-config` configures it, and each service as its own user."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from penstock.settings import Settings
from tests.support.servers import NatsServer


def nats_config(folder: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as it sets up the logs of its process."""
    command = [sys.executable, "-m", "penstock", "nats-config", str(folder), *options]
    return subprocess.run(command, env=os.environ | env, capture_output=True, text=True, timeout=60, check=False)


def configured(folder: Path, *options: str, **env: str) -> str:
    """Write the configuration; what the command printed."""
    done = nats_config(folder, *options, **env)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@asynccontextmanager
async def secured(folder: Path, tmp_path: Path, more: str = "") -> AsyncIterator[NatsServer]:
    """The server with the accounts of `folder`; the rest of its configuration fits a test."""
    config = tmp_path / "secured.conf"
    server = NatsServer(tmp_path / "nats", "-c", str(config))
    port, store = server.url.rpartition(":")[2], json.dumps(str(tmp_path / "jetstream"))
    general = f"listen: 127.0.0.1:{port}\nmax_payload: 8MB\njetstream: {{ store_dir: {store} }}\n"
    accounts = (folder / "accounts.conf").relative_to(tmp_path)
    config.write_text(f"{general}{more}include ./{accounts}\n")
    async with server:
        yield server


def identity(folder: Path, user: str) -> dict[str, Any]:
    """The settings that a service has of its file."""
    lines = dict(line.split("=", 1) for line in (folder / f"{user}.env").read_text().splitlines())
    password = SecretStr(lines["PENSTOCK_NATS_PASSWORD"])
    return {"nats_user": lines["PENSTOCK_NATS_USER"], "nats_password": password, "nats_token": None}


def as_user(settings: Settings, folder: Path, user: str) -> Settings:
    return settings.model_copy(update=identity(folder, user))


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the server has refused to services, as their logs have it."""
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    return [said for record in records if "violation" in (said := record.getMessage().lower())]
