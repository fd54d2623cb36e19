"""What a model replied is kept whatever is in it, and given once to each request that is made again."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest

from penstock.errors import Misconfigured
from penstock.evals.recording import Recording, answering, cost_of
from penstock.evals.serving import served
from tests.support.simulator import Steering, serving


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recordings.jsonl"


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\r\n"])
def test_a_reply_is_read_back_whatever_separates_its_lines(file: Path, separator: str) -> None:
    Recording(file).keep("k", f"data: a{separator}b", "m")
    assert Recording(file).next("k") == f"data: a{separator}b"


def test_a_reply_with_a_line_separator_has_its_price() -> None:
    said = {"text": "a\u2028b", "usageMetadata": {"promptTokenCount": 1_000_000}, "modelVersion": "gemini-2.5-pro"}
    assert cost_of(f"data: {json.dumps(said, ensure_ascii=False)}\r\n\r\n", "nobody-s") > 1


def test_a_version_without_a_price_costs_what_the_model_does_that_was_asked() -> None:
    said = {"usageMetadata": {"promptTokenCount": 1_000_000}, "modelVersion": "of-tonight"}
    reply = f"data: {json.dumps(said)}\n"
    assert (cost_of(reply, "gemini-2.5-pro") > 1, cost_of(reply, "nobody-s")) == (True, 0.0)


def test_a_line_that_was_broken_off_is_dropped_and_written_over(file: Path) -> None:
    Recording(file).keep("k", "paid", "m")
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"key": "k", "rep')
    recording = Recording(file)
    assert [recording.next("k"), recording.next("k")] == ["paid", None]
    recording.keep("k", "and paid", "m")
    recording.keep("k", "once more", "m")
    again = Recording(file)
    assert [again.next("k") for _ in range(4)] == ["paid", "and paid", "once more", None]


@pytest.mark.parametrize("line", ["1", "[]", "", "{", '{"key": []}', '{"key": [], "reply": ""}', '{"key": "\xff"}'])
def test_a_line_that_is_no_recording_is_named(file: Path, line: str) -> None:
    Recording(file).keep("k", "paid", "m")
    file.write_bytes(file.read_bytes() + line.encode("latin-1") + b"\n")
    with pytest.raises(Misconfigured, match=r"recordings\.jsonl is no recording: line 2: "):
        Recording(file)


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="is no recording"):
        Recording(tmp_path)


def test_equal_requests_that_are_answered_at_once_have_a_reply_each(file: Path) -> None:
    """As many as were asked before are told what was said then, in whatever order; the next one asks the model."""
    recording = Recording(file)
    assert [recording.next("k"), recording.next("k")] == [None, None]
    recording.keep("k", "of the second", "m")
    assert recording.next("k") is None, "a third, while the first waits"
    recording.keep("k", "of the first", "m")
    recording.keep("k", "of the third", "m")
    assert recording.next("k") is None
    again = Recording(file)
    assert [again.next("k") for _ in range(4)] == ["of the second", "of the first", "of the third", None]


@contextmanager
def failing(status_of: Callable[[int], int]) -> Iterator[str]:
    """The URL of a model that answers its n-th request, from 1, with a status."""
    asked: list[str] = []

    class Model(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            self.send_response(status_of(len(asked)))
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b"data: {}\r\n\r\n")

    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def statuses(file: Path, upstream: str | None, count: int) -> list[int]:
    async with answering(Recording(file), upstream) as app:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://penstock") as http:
            return [(await http.post("/model", json={})).status_code for _ in range(count)]


@asynccontextmanager
async def recorded(file: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, Steering]]:
    """A client of a recording of a simulator, and what steers that."""
    async with (
        serving() as model,
        Steering(model) as steering,
        answering(Recording(file), model) as app,
        served(app) as url,
        httpx2.AsyncClient(base_url=url, timeout=60) as http,
    ):
        yield http, steering


ASK = "/v1beta/models/gemini-2.5-pro:streamGenerateContent"
BODY = {"contents": [{"parts": [{"text": "Tell me a story."}]}]}


async def test_a_reply_is_passed_on_while_it_comes(file: Path) -> None:
    """The model says its first piece and is held: the piece arrives, and nothing is recorded before the reply ends."""
    async with recorded(file) as (http, steering):
        await steering.rule(contains="story", reply={"hold": "middle"})
        async with http.stream("POST", ASK, json=BODY) as reply:
            pieces = reply.aiter_bytes()
            first = await anext(pieces)
            assert first.startswith(b"data: ")
            assert not file.exists()
            await steering.release("middle")
            rest = [piece async for piece in pieces]
        assert rest
    assert [*json.loads(file.read_bytes())] == ["key", "reply"]
    assert json.loads(file.read_bytes())["reply"] == b"".join([first, *rest]).decode()


async def test_a_reply_that_breaks_off_is_broken_off_and_not_kept(file: Path) -> None:
    async with recorded(file) as (http, steering):
        await steering.rule(contains="story", fault={"break_after_chunks": 1})
        with pytest.raises(httpx2.HTTPError):
            await http.post(ASK, json=BODY)
        await steering.clear()
        assert (await http.post(ASK, json=BODY)).status_code == 200
    assert len(file.read_text().splitlines()) == 1


async def test_a_reply_whose_reader_leaves_is_kept_as_well(file: Path) -> None:
    """A step may be content with the beginning of a reply: it is paid whole, and given first when asked again."""
    async with recorded(file) as (http, steering):
        await steering.rule(contains="story", times=1, reply={"hold": "middle"})
        async with http.stream("POST", ASK, json=BODY) as reply:
            first = await anext(reply.aiter_bytes())
        await steering.release("middle")
        await steering.wait(status="completed")
        while not file.exists():
            await asyncio.sleep(0.01)
        second = await http.post(ASK, json=BODY)
    again = Recording(file)
    key = json.loads(file.read_text().splitlines()[0])["key"]
    assert str(again.next(key)).encode().startswith(first)
    assert again.next(key) == second.text


async def test_a_try_that_failed_takes_no_reply(file: Path) -> None:
    with failing(lambda number: 503 if number == 1 else 200) as model:
        assert await statuses(file, model, 2) == [503, 200]
    assert await statuses(file, None, 2) == [200, 400], "the reply of the second try, and no more"
