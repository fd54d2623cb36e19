"""Settings: what is wrong is said in a sentence that names the variable; what is no setting is warned about."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from penstock.cli import app
from penstock.errors import Misconfigured
from penstock.settings import Settings, unknown_variables
from tests.support.servers import NatsServer


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SLOTS", "0"),
        ("SLOTS", "many"),
        ("NATS_URL", "nats://host:port"),
        ("NATS_CREDENTIALS", "/nowhere/at/all"),
        ("LOG_LEVEL", "loud"),
        ("WEBHOOK_RETRY_DELAYS", "5,soon"),
        ("WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/8,office"),
        ("ALLOWED_HOSTS", "jobs.example:8080"),
        ("ALLOWED_HOSTS", "localhost,*.example"),
        ("MAX_DELIVERIES", "2"),
        ("STORE_BYTES", "1000"),
        ("STORE_BYTES", "9223372036854775808"),
        ("JOBS_MAX_AGE_DAYS", "inf"),
        ("JOBS_MAX_AGE_DAYS", "106752"),
        ("EVENTS_MAX_AGE_HOURS", "1e300"),
        ("CACHE_TTL", "1e12"),
        ("EVENTS_MAX_AGE_HOURS", "23"),
        ("JOBS_MAX_AGE_DAYS", "0.9"),
        ("JOBS_MAX_AGE_DAYS", "2"),  # fewer than a webhook is tried
        ("COMPLEX_MODELS", ","),
        ("MODEL_BASE_URL", "localhost:8080"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(f"PENSTOCK_{variable}", value)
    with pytest.raises(Misconfigured, match=f"^PENSTOCK_{variable}"):
        Settings()


def test_its_value_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_SLOTS", "0")
    with pytest.raises(Misconfigured, match="PENSTOCK_SLOTS=0: it should be greater than or equal to 1"):
        Settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WEBHOOK_SECRET", "whsec_hush"),
        ("NATS_URL", "htp://me:hush@host"),
        ("NATS_URL", "nats://me:hush#hush@host"),
        ("NATS_URL", "me:hush/hush@host"),
        ("NATS_TOKEN", 5),
    ],
)
def test_a_secret_that_is_wrong_is_not_shown(variable: str, value: Any) -> None:
    with pytest.raises(Misconfigured, match=f"^PENSTOCK_{variable}: ") as raised:
        Settings(**{variable.lower(): value})
    assert str(value) not in str(raised.value).partition(":")[2]
    assert "hush" not in str(raised.value)


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a compose file passes what its user has not set."""
    for name in Settings.model_fields:
        monkeypatch.setenv(f"PENSTOCK_{name.upper()}", "")
    settings = Settings()
    assert not settings.model_fields_set
    assert settings.model_base_url is None


@pytest.mark.parametrize("setting", ["PENSTOCK_RUNS=0", "PENSTOCK_PATTERNS=nowhere:PATTERN"])
def test_it_ends_a_service_with_one_line(setting: str) -> None:
    name, _, value = setting.partition("=")
    command = [sys.executable, "-m", "penstock", "serve", "aggregator"]
    ended = subprocess.run(command, env={**os.environ, name: value}, capture_output=True, text=True)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert name in line


async def test_a_server_that_does_not_fit_the_settings_is_no_traceback_either(nats: NatsServer) -> None:
    """Found out only once NATS answers, when uvicorn starts the application."""
    own = {"PENSTOCK_NATS_URL": nats.url, "PENSTOCK_MAX_BODY": str(10**9), "GEMINI_API_KEY": "x", "PENSTOCK_PORT": "0"}
    serve = (sys.executable, "-m", "penstock", "serve", "gateway")
    service = await asyncio.create_subprocess_exec(*serve, env={**os.environ, **own}, stderr=asyncio.subprocess.PIPE)
    _, log = await service.communicate()
    assert service.returncode
    assert b"lower PENSTOCK_MAX_BODY" in log
    assert b"Traceback" not in log


def test_a_variable_that_is_no_setting_is_named_with_the_one_that_may_be_meant() -> None:
    environment = {"PENSTOCK_SLOT": "3", "PENSTOCK_XYZZY": "", "PENSTOCK_SLOTS": "3", "HOME": "/", "PENSTOCK_URL": ""}
    assert unknown_variables(environment) == [
        "PENSTOCK_SLOT is no setting; PENSTOCK_SLOTS is",
        "PENSTOCK_XYZZY is no setting",
    ]


def test_the_command_line_s_variables_are_known() -> None:
    """Whoever adds an option with a variable of its own adds it to `penstock.settings`, too."""

    def variables(command: Any) -> Iterator[str]:
        for parameter in command.params:
            if isinstance(parameter.envvar, str):
                yield parameter.envvar
        for sub in getattr(command, "commands", {}).values():
            yield from variables(sub)

    found = dict.fromkeys(variables(typer.main.get_command(app)), "")
    assert "PENSTOCK_URL" in found
    assert unknown_variables(found) == []
