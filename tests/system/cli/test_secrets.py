"""What `penstock up` keeps for the user who runs it, and for those processes that need it."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from penstock.llm.access import KEYS
from tests.support.servers import NatsServer
from tests.system.cli.system import System, penstock

KEY = "AIzaSyNotARealKey"
NOBODY = "nats://me:hush@127.0.0.1:9"


def environment(pid: int) -> dict[str, str]:
    """Of a process, as it was started."""
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(one.split("=", 1) for one in entries if "=" in one)


async def test_nats_serves_who_has_the_token(system: System) -> None:
    """Any other user of this machine does not."""
    address = urlsplit(system.nats_url)
    assert address.hostname
    answers = {}
    for token in (address.username, "", "wrong"):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f'CONNECT {{"auth_token": "{token}", "verbose": false}}\r\nPING\r\n'.encode())
        await reader.readline()
        answers[token] = (await reader.readline()).split(b" ")[0].strip()
        writer.close()
    assert answers == {address.username: b"PONG", "": b"-ERR", "wrong": b"-ERR"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/rules"), ("POST", "/release/x"), ("DELETE", ""), ("GET", "/calls"), ("GET", "/stats")],
)
def test_the_simulator_is_steered_by_who_has_the_token(system: System, method: str, path: str) -> None:
    def answered(base: str) -> int:
        return httpx.request(method, f"{base}/simulator{path}", json={}, trust_env=False).status_code

    assert answered(system.url("simulator")) == 401
    assert answered(system.url("simulator").replace("//", "//up:wrong@")) == 401
    assert answered(system.simulator_url) == 200


@pytest.mark.long
def test_commands_find_the_token_by_themselves(system: System) -> None:
    """Next to the data folder nothing is to be set: in the environment there is the address only, if at all."""
    address = {"PENSTOCK_NATS_URL": system.url("nats")}
    assert penstock("dead", "list", cwd=system.data.parent, **address).returncode == 0
    elsewhere = penstock("dead", "list", cwd=system.data, **address)
    assert elsewhere.returncode == 1
    assert "Authorization" in elsewhere.stderr
    for arguments in (("jobs", "list"), ("streams",)):
        ended = penstock(
            *arguments, "--nats-url", system.url("nats").replace("127.0.0.1", "localhost"), cwd=system.data.parent
        )
        assert ended.returncode == 0, ended.stderr


def test_what_it_writes_is_for_its_user_only(system: System) -> None:
    """The folder and all in it: NATS's data, logs, and processes.json with the token."""
    paths = [system.data, *system.data.rglob("*")]
    names = {path.name for path in paths}
    assert {"nats.conf", "processes.json", "gateway-1.log", "jetstream"} <= names
    assert [path for path in paths if path.stat().st_mode & 0o077 and path.name != "lock"] == []


@pytest.mark.long
def test_what_an_older_version_left_open_is_closed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for folder in ("logs", "nats"):
        (data / folder).mkdir(parents=True, mode=0o755)
    left = [data, data / "logs", data / "nats", data / "nats" / "nats.conf", data / "logs" / "nats.log"]
    for path in (*left[3:], data / "lock"):
        path.touch()
    for path in left:
        path.chmod(0o755)
    with System(data):
        assert [path for path in left if path.stat().st_mode & 0o077] == []


def test_no_token_is_in_a_command_line_or_printed(system: System) -> None:
    token = system.nats_url.partition("//")[2].partition("@")[0]
    assert len(token) == 32
    assert token not in system.output()
    for pid in system.processes().values():
        assert token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    for log in (system.data / "logs").iterdir():
        assert token not in log.read_text()


def test_the_key_is_given_to_those_that_ask_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To workers and classifier; nothing but their own log could tell that there is one."""
    for name in KEYS:
        monkeypatch.setenv(name, "/dev/null" if name.endswith("_FILE") else KEY)
    with System(tmp_path / "data") as system:
        pids = system.processes()
        assert "simulator" not in pids
        given = {name for name, pid in pids.items() if KEY in environment(pid).values()}
        assert given == {"workers-1", "classifier-1"}
        assert [path for path in system.data.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    "command",
    [
        ("dead", "list", "--nats-url", NOBODY),
        ("run", "routing", "--query", "x", "--nats-url", NOBODY),
        ("jobs", "list", "--nats-url", "me:hush@127.0.0.1:9"),
        ("jobs", "list", "--nats-url", "nats://me:hush@127.0.0.1:nine"),
        ("jobs", "list", "--nats-url", "nats://me:hush#hush@127.0.0.1:9"),
    ],
)
def test_a_password_in_a_url_is_not_shown(tmp_path: Path, command: tuple[str, ...]) -> None:
    """With a log as talkative as can be."""
    ended = penstock(*command, cwd=tmp_path, PENSTOCK_LOG_LEVEL="INFO")
    assert ended.returncode
    assert ended.stderr
    assert "hush" not in ended.stdout + ended.stderr
    for log in tmp_path.rglob("*.log"):
        assert "hush" not in log.read_text()


@pytest.mark.long
@pytest.mark.long
async def test_nor_is_it_where_all_goes_well(nats: NatsServer, tmp_path: Path) -> None:
    url = nats.url.replace("//", "//me:hush@")
    with System(tmp_path / "data", "--nats-url", url) as system:
        assert system.url("nats") == nats.url
        declared = penstock("streams", "--nats-url", url)
        shown = [system.output(), declared.stdout, declared.stderr, (system.data / "processes.json").read_text()]
        assert "hush" not in "".join([*shown, *(log.read_text() for log in (system.data / "logs").iterdir())])
    assert declared.returncode == 0


def test_a_key_that_would_be_sent_unencrypted_ends_up_at_once(tmp_path: Path) -> None:
    variables = {"GEMINI_API_KEY": KEY, "PENSTOCK_MODEL_BASE_URL": "http://simulator:8080"}
    ended = penstock("up", "--port", "0", "--data", str(tmp_path / "data"), **variables)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("penstock: the API key would be sent to http://simulator unencrypted: set PENSTOCK_")
    assert ended.stderr.count("\n") == 1
