"""The key: where it comes from, and where it never goes."""

import asyncio
from pathlib import Path

import pytest

from penstock.errors import Misconfigured, ModelUnavailable
from penstock.llm.access import access_of
from penstock.llm.client import Llm
from penstock.settings import Models
from tests.llm.asking import at, chunks
from tests.llm.conftest import KEY
from tests.llm.wire import Wire, said


def key_and_url(monkeypatch: pytest.MonkeyPatch, **variables: object) -> tuple[str, str | None]:
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    access = access_of(Models())
    assert access is not None
    return access.key, access.base_url


def test_it_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As Docker and Kubernetes mount secrets. Ours counts before the SDK's; an empty one is not there."""
    (tmp_path / "ours").write_text(" ours \n")
    (tmp_path / "theirs").write_text("theirs\n")
    assert access_of(Models()) is None
    assert key_and_url(monkeypatch, GEMINI_API_KEY_FILE=tmp_path / "theirs") == ("theirs", None)
    assert key_and_url(monkeypatch, PENSTOCK_MODEL_API_KEY_FILE=tmp_path / "ours") == ("ours", None)
    assert key_and_url(monkeypatch, PENSTOCK_MODEL_API_KEY_FILE="/dev/null") == ("theirs", None)
    assert key_and_url(monkeypatch, PENSTOCK_MODEL_API_KEY="at hand") == ("at hand", None)


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY_FILE", "/nowhere")
    with pytest.raises(Misconfigured, match=r"^GEMINI_API_KEY_FILE=/nowhere: No such file"):
        access_of(Models())


def test_the_simulator_is_asked_only_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key reaches it, whoever sets which variable."""
    simulator = "http://simulator:8080"
    assert key_and_url(monkeypatch, PENSTOCK_SIMULATOR_URL=simulator) == ("none", simulator)
    assert key_and_url(monkeypatch, PENSTOCK_MODEL_BASE_URL="", GEMINI_API_KEY="") == ("none", simulator)
    assert key_and_url(monkeypatch, GEMINI_API_KEY=KEY) == (KEY, None)


@pytest.mark.parametrize("variable", ["PENSTOCK_MODEL_BASE_URL", "GOOGLE_GEMINI_BASE_URL"])
@pytest.mark.parametrize("host", ["simulator:8080", "10.0.0.7", "generativelanguage.googleapis.com", "127.0.0.1.nip"])
def test_it_does_not_leave_this_machine_unencrypted(monkeypatch: pytest.MonkeyPatch, variable: str, host: str) -> None:
    """Refused at the start, by a sentence that names the variables and not the key."""
    with pytest.raises(Misconfigured, match=r"PENSTOCK_MODEL_BASE_URL .or GOOGLE_GEMINI_BASE_URL.") as raised:
        key_and_url(monkeypatch, GEMINI_API_KEY=KEY, **{variable: f"http://{host}/"})
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("url", ["https://proxy.example", "http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"])
def test_it_goes_encrypted_anywhere_and_to_this_machine(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert key_and_url(monkeypatch, GEMINI_API_KEY=KEY, PENSTOCK_MODEL_BASE_URL=url) == (KEY, url)


def test_the_word_none_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may go anywhere, also where the environment has a key."""
    own = {"PENSTOCK_MODEL_API_KEY": "none", "PENSTOCK_MODEL_BASE_URL": "http://proxy"}
    assert key_and_url(monkeypatch, GEMINI_API_KEY=KEY, **own) == ("none", "http://proxy")


async def test_what_is_encrypted_goes_through_a_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Queue[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked.put(await reader.readline())
        writer.close()

    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        async with at("https://gemini.example") as llm:
            with pytest.raises(ModelUnavailable):
                await chunks(llm)
    assert await asked.get() == b"CONNECT gemini.example:443 HTTP/1.1\r\n"


@pytest.mark.parametrize("sdk_stream", [False, True])
async def test_a_key_that_is_replaced_in_its_file_is_sent_from_the_next_call_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sdk_stream: bool
) -> None:
    """While the file is being replaced, and empty or away, the one before is."""
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    monkeypatch.setenv("GEMINI_API_KEY_FILE", str(file))
    async with Wire([said("yes")]) as wire:
        llm = Llm(Models(model_base_url=wire.url, sdk_stream=sdk_stream))
        await chunks(llm)
        file.write_text("another-key")
        await chunks(llm)
        file.write_text("")
        await chunks(llm)
        file.unlink()
        await chunks(llm)
        await llm.aclose()
    assert [one.headers["x-goog-api-key"] for one in wire.asked] == [KEY, *["another-key"] * 3]


async def test_a_proxy_of_the_environment_does_not_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """http:// through a proxy would show it there."""
    async with Wire([said("yes")]) as wire, Wire([said("no")]) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        llm = Llm(Models(model_base_url=wire.url))
        await chunks(llm)
        await llm.aclose()
    assert [one.headers["x-goog-api-key"] for one in wire.asked] == [KEY]
    assert proxy.asked == []
