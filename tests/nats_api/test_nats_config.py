"""`penstock nats-config`: the files it writes, and those it leaves alone."""

import re
import subprocess
from pathlib import Path

import pytest

from penstock.local.nats_server import binary
from tests.support.secured import configured, nats_config

USERS = {"gateway", "aggregator", "classifier", "workers", "operator"}


def secrets_in(folder: Path) -> set[str]:
    return {one for file in folder.iterdir() for one in re.findall(r"[0-9a-f]{64}", file.read_text())}


def refused(folder: Path, *options: str) -> str:
    done = nats_config(folder, *options)
    assert done.returncode == 2
    return done.stderr


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_the_server_takes_it_and_its_user_alone_may_read_it(tmp_path: Path) -> None:
    printed = configured(tmp_path / "users", "--tenant", "shop", "--tenant", "b")
    files = {f"{user}.env" for user in USERS} | {"nats.conf", "accounts.conf", "tenant-shop.conf", "tenant-b.conf"}
    assert set(contents(tmp_path / "users")) == files
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "users").iterdir()} == {0o600}
    assert (tmp_path / "users").stat().st_mode & 0o777 == 0o700
    passwords = secrets_in(tmp_path / "users")
    assert len(passwords) == len(USERS) + 2
    assert not any(one in printed for one in passwords)
    subprocess.run([binary(), "-t", "-c", str(tmp_path / "users" / "nats.conf")], check=True, capture_output=True)


def test_nothing_is_replaced_without_being_told_so(tmp_path: Path) -> None:
    """The folder is as it was, too: that may be anybody's."""
    tmp_path.chmod(0o755)
    configured(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    before = contents(tmp_path)
    assert "--update" in refused(tmp_path)
    assert contents(tmp_path) == before


def test_an_update_keeps_passwords_and_what_an_operator_wrote(tmp_path: Path) -> None:
    """It writes anew what users may do; a tenant is added; a user whose file was removed gets another password."""
    configured(tmp_path, "--tenant", "shop")
    before = contents(tmp_path)
    (tmp_path / "nats.conf").write_text("# an operator's")
    (tmp_path / "accounts.conf").write_text("")
    (tmp_path / "workers.env").unlink()
    configured(tmp_path, "--update", "--tenant", "b")
    after = contents(tmp_path)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"nats.conf", "accounts.conf", "workers.env", "tenant-b.conf"}
    assert after["nats.conf"] == "# an operator's"
    assert "include tenant-b.conf" in after["accounts.conf"]
    assert "include tenant-shop.conf" in after["accounts.conf"]
    for name in USERS:
        (password,) = re.findall(r"[0-9a-f]{64}", after[f"{name}.env"])
        assert password in after["accounts.conf"]


def test_a_file_of_somebody_else_s_is_no_password(tmp_path: Path) -> None:
    (tmp_path / "workers.env").write_text("KEY=x\n")
    assert "workers.env" in refused(tmp_path, "--update")
    assert set(contents(tmp_path)) == {"workers.env"}


@pytest.mark.parametrize(
    "options", [("--tls-cert", "a"), ("--tls-key", "a"), ("--tls-ca", "a"), ("--tls-cert", 'a"', "--tls-key", "b")]
)
def test_tls_is_asked_for_as_a_whole(tmp_path: Path, options: tuple[str, ...]) -> None:
    refused(tmp_path / "users", *options)
    assert not (tmp_path / "users").exists()


def test_clients_need_a_certificate_where_there_is_a_ca(tmp_path: Path) -> None:
    files = ("--tls-cert", "/certs/nats.pem", "--tls-key", "/certs/nats.key")
    configured(tmp_path / "one", *files)
    assert "verify: false" in (tmp_path / "one" / "nats.conf").read_text()
    configured(tmp_path / "other", *files, "--tls-ca", "/certs/ca.pem")
    assert 'ca_file: "/certs/ca.pem"\n  verify: true' in (tmp_path / "other" / "nats.conf").read_text()
