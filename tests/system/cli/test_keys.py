"""`penstock keys`: made, listed, revoked; and what others say who have none."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from penstock.callers import keys
from penstock.local.declared import declare_streams
from penstock.nats_api import credentials
from penstock.settings import Settings
from tests.support.servers import NatsServer
from tests.system.cli.system import System, penstock, until


@pytest.mark.long
@pytest.mark.long
def test_a_key_is_asked_for_once_there_is_one(tmp_path: Path) -> None:
    """And what is wrong is said in one sentence."""
    with System(tmp_path / "data") as system:
        url = system.url("gateway")

        def jobs(**environment: str) -> tuple[int, str]:
            ended = penstock("jobs", "list", "--url", url, **environment)
            return ended.returncode, ended.stderr

        text = system.run("keys", "create", "ci", "--tenant", "acme", "--rate", "60/minute").stdout.strip()
        key_id = keys.id_of(text)
        assert key_id is not None
        without = "penstock: unauthorized: a key is needed, in the header 'Authorization: Bearer <key>'"
        until(lambda: jobs() == (1, f"{without} (--api-key, or PENSTOCK_API_KEY)\n"), system.output)
        ended = penstock("run", "routing", "--query", "hello", "--url", url, "--api-key", text)
        assert ended.returncode == 0, ended.stderr
        shown = system.in_terminal("keys", "list")
        assert all(word in shown for word in (key_id, "ci", "acme", "rate 60/minute"))
        assert text.rpartition("_")[2] not in shown
        assert f"{key_id} of ci is revoked" in system.run("keys", "revoke", key_id).stdout
        wrong = "penstock: unauthorized: the key is not valid (--api-key, or PENSTOCK_API_KEY)\n"
        until(lambda: jobs(PENSTOCK_API_KEY=text) == (1, wrong), system.output)
    assert text.encode() not in b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*.log"))


async def test_a_key_is_shown_once(nats: NatsServer) -> None:
    """Its text alone goes to standard output. Lists have all but its secret and its hash."""
    await declare_streams(Settings(nats_url=nats.url))

    async def said(*arguments: str) -> tuple[int, str, str]:
        ended = await asyncio.to_thread(penstock, "keys", *arguments, PENSTOCK_NATS_URL=nats.url)
        return ended.returncode, ended.stdout, ended.stderr

    limits = "--jobs", "3", "--budget", "5usd/day", "--budget", "1000000tokens/month"
    _, made, about = await said("create", "ci", "--tenant", "acme", "--expires", "90d", "--admin", *limits)
    key_id = keys.id_of(made.removesuffix("\n"))
    assert key_id is not None
    assert f"the key {key_id} of ci for an admin of the tenant acme" in about
    _, shown, _ = await said("list", "--tenant", "acme")
    (listed,) = map(json.loads, shown.splitlines())
    assert listed.keys() == {"id", "name", "tenant", "admin", "limits", "created", "expires"}
    assert listed | {"id": key_id, "name": "ci", "tenant": "acme", "admin": True} == listed
    assert listed["limits"] == {"jobs": 3, "budgets": ["5usd/day", "1000000tokens/month"]}
    unknown = "penstock: there is no key 'nobody'; `penstock keys list` shows the ids\n"
    assert await said("revoke", "nobody") == (1, "", unknown)
    refused, nothing, why = await said("create", "ci", "--rate", "none", "--burst", "3")
    assert (refused, nothing, "--burst" in why) == (2, "", True)
    secret = made.strip().rpartition("_")[2]
    for given, status in ((made.strip(), 0), (f"psk_{'a' * 10}_{secret}", 1)):
        ended, *printed = await said("revoke", given)
        assert (ended, secret in "".join(printed)) == (status, False)


def test_what_is_no_tenant_or_time_is_refused_before_anything_is_made() -> None:
    for option, value in (("--tenant", "Acme"), ("--expires", "soon"), ("--budget", "5eur/day")):
        ended = penstock("keys", "create", "ci", option, value)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert option in ended.stderr


async def test_without_the_streams_it_is_said_at_once_what_declares_them(nats: NatsServer) -> None:
    for arguments in (("create", "ci"), ("list",), ("revoke", "0123456789")):
        ended = await asyncio.to_thread(penstock, "keys", *arguments, PENSTOCK_NATS_URL=nats.url)
        said = "penstock: NATS has no bucket for keys yet: `penstock streams` declares it\n"
        assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", said)


def test_credentials_over_nats_are_the_account_and_for_the_caller() -> None:
    """No server is asked. What the account can do: tests/callers/test_nats_credentials.py."""
    ended = penstock("keys", "nats", "--tenant", "acme", PENSTOCK_NATS_URL="nats://127.0.0.1:1")
    said = re.fullmatch(r"for the caller: user (acme-\w{8}), password (\w{64})\n", ended.stderr)
    assert said is not None
    assert ended.stdout == credentials.account(credentials.Credentials("acme", said[1], said[2])) + "\n"
    assert penstock("keys", "nats").returncode == penstock("keys", "nats", "--tenant", "A.>").returncode == 2
