"""What a model replied is kept whatever is in it, and given once to each request that is made again."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest

from penstock.errors import Misconfigured
from penstock.evals.recording import Recording, answering, cost_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recordings.jsonl"


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\r\n"])
def test_a_reply_is_read_back_whatever_separates_its_lines(file: Path, separator: str) -> None:
    Recording(file).keep("k", f"data: a{separator}b")
    assert Recording(file).next("k") == f"data: a{separator}b"


def test_a_reply_with_a_line_separator_has_its_price() -> None:
    said = {"text": "a\u2028b", "usageMetadata": {"promptTokenCount": 1_000_000}, "modelVersion": "gemini-2.5-pro"}
    assert cost_of(f"data: {json.dumps(said, ensure_ascii=False)}\r\n\r\n") > 1


def test_a_line_that_was_broken_off_is_dropped_and_written_over(file: Path) -> None:
    Recording(file).keep("k", "paid")
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"key": "k", "rep')
    recording = Recording(file)
    assert [recording.next("k"), recording.next("k")] == ["paid", None]
    recording.keep("k", "and paid")
    recording.keep("k", "once more")
    again = Recording(file)
    assert [again.next("k") for _ in range(4)] == ["paid", "and paid", "once more", None]


@pytest.mark.parametrize("line", ["1", "[]", "", "{", '{"key": []}', '{"key": [], "reply": ""}', '{"key": "\xff"}'])
def test_a_line_that_is_no_recording_is_named(file: Path, line: str) -> None:
    Recording(file).keep("k", "paid")
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
    recording.keep("k", "of the second")
    assert recording.next("k") is None, "a third, while the first waits"
    recording.keep("k", "of the first")
    recording.keep("k", "of the third")
    assert recording.next("k") is None
    again = Recording(file)
    assert [again.next("k") for _ in range(4)] == ["of the second", "of the first", "of the third", None]


@contextmanager
def served(status_of: Callable[[int], int]) -> Iterator[str]:
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


async def test_a_try_that_failed_takes_no_reply(file: Path) -> None:
    with served(lambda number: 503 if number == 1 else 200) as model:
        assert await statuses(file, model, 2) == [503, 200]
    assert await statuses(file, None, 2) == [200, 400], "the reply of the second try, and no more"
