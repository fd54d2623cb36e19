"""`penstock keys`: made, listed, revoked; and what others say who have none."""

import json
from pathlib import Path

from penstock.callers import keys
from tests.system.cli.system import System, penstock, until


def test_a_key_is_shown_once_and_serves_until_it_is_revoked(tmp_path: Path) -> None:
    """The system of a developer needs none until there is one."""
    with System(tmp_path / "data") as system:
        url = system.url("gateway")

        def jobs(**environment: str) -> tuple[int, str]:
            ended = penstock("jobs", "list", "--url", url, **environment)
            return ended.returncode, ended.stderr

        assert jobs() == (0, "")
        made = system.run("keys", "create", "ci", "--tenant", "acme", "--rate", "60/minute", "--expires", "90d")
        (text,) = made.stdout.splitlines()
        key_id = keys.id_of(text)
        assert key_id is not None
        assert f"the key {key_id} of ci for the tenant acme" in made.stderr
        (listed,) = map(json.loads, system.run("keys", "list").stdout.splitlines())
        assert {"id", "created", "expires"} <= listed.keys()
        assert (listed["name"], listed["tenant"], listed["admin"]) == ("ci", "acme", False)
        assert listed["limits"] == {"rate": "60/minute"}
        assert "sha256" not in listed
        shown = system.in_terminal("keys", "list", "--tenant", "acme")
        assert all(word in shown for word in (key_id, "ci", "acme", "expires", "rate 60/minute"))
        assert text.rpartition("_")[2] not in shown

        without = "penstock: unauthorized: a key is needed, in the header 'Authorization: Bearer <key>'"
        until(lambda: jobs() == (1, f"{without} (--api-key, or PENSTOCK_API_KEY)\n"), system.output)
        ended = penstock("run", "routing", "--query", "hello", "--url", url, "--api-key", text)
        assert ended.returncode == 0, ended.stderr

        assert f"{key_id} of ci is revoked" in system.run("keys", "revoke", key_id).stdout
        wrong = "penstock: unauthorized: the key is not valid (--api-key, or PENSTOCK_API_KEY)\n"
        until(lambda: jobs(PENSTOCK_API_KEY=text) == (1, wrong), system.output)
        unknown = system.run("keys", "revoke", "nobody")
        assert (unknown.returncode, unknown.stderr) == (
            1,
            "penstock: there is no key 'nobody'; `penstock keys list` shows the ids\n",
        )
    assert text.encode() not in b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*.log"))


def test_what_is_no_tenant_or_time_is_refused_before_anything_is_made() -> None:
    for option, value in (("--tenant", "Acme"), ("--expires", "soon")):
        ended = penstock("keys", "create", "ci", option, value)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert option in ended.stderr
