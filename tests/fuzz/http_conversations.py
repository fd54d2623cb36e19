"""What is said on one HTTP connection: requests that are sound, nearly sound, or no requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from penstock.pattern import Pattern
from tests.fuzz.mutations import TEXTS, body, garbled

_METHODS = ("GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "PRI", "G T", "")
_PATHS = (
    *(
        "/",
        "/jobs",
        "/jobs/{}",
        "/jobs/{}/stream",
        "/jobs/{}/events",
        "/jobs/{}/steps/classify-1",
        "/jobs/none/steps/{}",
        "/patterns",
        "/patterns/{}",
        "/routing/{}/stream",
    ),
    *(
        "/docs",
        "/openapi.json",
        "/asyncapi.json",
        "/livez",
        "/readyz",
        "/metrics",
        "/{}",
        "//{}",
        "*",
        "{}",
        "http://{}/",
    ),
)
_PARAMETERS = ("protocol", "after", "limit", "cursor", "pattern", "status", "since", "until", "version", "x")
_VALUES = (
    *("json", "sse", "ui-message", "1", "0", "-1", "100", "101", "routing", "failed", "running", "3.1", "NaN", "1e309"),
    *("2026-01-01T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59+14:00", "99999999999999999999", "-62135596801"),
)
_HEADERS: dict[str, tuple[str, ...]] = {
    "Accept": ("text/event-stream", "application/json", "*/*", "text/html", ";q=", "a/b;q=nan"),
    "Prefer": ("respond-async", "respond-async, wait=1", "wait=-1", "wait=1e9", "respond-async, wait=x", ",,="),
    "Idempotency-Key": ("k", '"k"', "'", '"', "x" * 255, "x" * 256, "\x80"),
    "Last-Event-ID": ("0", "1", "-1", "99999999999999999999", "x", "1e3", ""),
    "Content-Type": ("text/plain", "application/json; charset=utf-16", "application/json;", "", "multipart/form-data"),
    "Content-Encoding": ("gzip", "identity", "br, gzip"),
    "X-Forwarded-Host": ("evil.example", "["),
    "Origin": ("null", "http://evil.example", "http://localhost", "http://["),
    "Connection": ("close", "keep-alive", "upgrade", "close, close"),
    "Upgrade": ("h2c", "websocket"),
    "Expect": ("100-continue", "200-ok"),
    "Range": ("bytes=0-1",),
    "traceparent": ("00-0-0-0", "x"),
    "X-Job-Id": ("a", "../a"),
}
_JSON = "Content-Type: application/json"


@dataclass(frozen=True)
class Conversation:
    """Pieces to be written one after the other; `ends`: then the caller's side is closed."""

    pieces: tuple[bytes, ...]
    ends: bool

    def __repr__(self) -> str:
        return f"{b''.join(self.pieces)[:1500]!r}{' and the end' if self.ends else ''}"


@st.composite
def conversations(draw: st.DrawFn, patterns: Mapping[str, Pattern[Any, Any]], known: tuple[str, ...]) -> Conversation:
    """`known`: ids of jobs that there are."""
    random = draw(st.randoms(use_true_random=True))
    said = b"".join(_request(random, patterns, known) for _ in range(random.choice((1, 1, 1, 2, 4))))
    if random.randrange(5) == 0:
        said = garbled(said, random)
    cuts = sorted(random.randint(0, len(said)) for _ in range(random.choice((0, 0, 1, 3))))
    pieces = tuple(said[start:end] for start, end in zip((0, *cuts), (*cuts, len(said)), strict=True))
    return Conversation(pieces, random.randrange(4) == 0)


def _request(random: Random, patterns: Mapping[str, Pattern[Any, Any]], known: tuple[str, ...]) -> bytes:
    hosts = ("evil.example", "[", "localhost:99999", "", "127.0.0.1", "a\r\nHost: b")
    host = "localhost" if random.randrange(12) else random.choice(hosts)
    headers = [f"Host: {host}", *_some_headers(random)]
    if random.randrange(2):
        name = random.choice(list(patterns))
        content = _content(random, patterns[name])
        target, method = f"/{name}", "POST"
        headers.append(_JSON)
    else:
        method, content = random.choice(_METHODS[: random.choice((3, 99))]), b""
        target = random.choice(_PATHS).replace("{}", _segment(random, known))
    if random.randrange(4) == 0:
        target += "?" + "&".join(_parameter(random) for _ in range(random.choice((1, 1, 3))))
    framed, content = _framed(random, content)
    version = random.choice(("HTTP/1.1",) * 40 + ("HTTP/1.0", "HTTP/2.0", "HTTP/9", ""))
    head = "\r\n".join((f"{method} {target} {version}", *headers, *framed))
    return head.encode("utf-8", "surrogatepass") + b"\r\n\r\n" + content


def _content(random: Random, pattern: Pattern[Any, Any]) -> bytes:
    valid = pattern.example.model_dump(mode="json", by_alias=True)
    if random.randrange(3) == 0:
        valid["options"] = {"deadlineSeconds": 20, "priority": "speed", "webhook": "http://127.0.0.1:1/x"}
    if random.randrange(5) == 0:
        parts = [{"type": "text", "text": "Hello"}, {"type": "file", "url": "data:,"}]
        valid |= {"id": "chat-1", "trigger": "submit-message", "messages": [{"role": "user", "parts": parts}]}
    if random.randrange(60) == 0:
        return random.choice((b'{"query":"' + b"x" * 5_000_000 + b'"}', b"[" * 4_000_000, b'{"a":1,' * 300_000))
    return body(valid, random)


def _framed(random: Random, content: bytes) -> tuple[list[str], bytes]:
    """Headers that say how long the content is, and the content so; by chance wrong."""
    size = len(content)
    if random.randrange(3):
        wrong = (size + 1, size - 1, -1, 10**20, "0x2", "", "1, 1", f"+{size}")
        length = random.choice(wrong) if random.randrange(12) == 0 else size
        return ([f"Content-Length: {length}"] if size or random.randrange(3) else []), content
    cut = random.randint(0, size)
    chunks = [one for one in (content[:cut], content[cut:]) if one]
    extension = random.choice((b"",) * 4 + (b";a=b", b";" + b"x" * 3_000, b" "))
    sizes = [random.choice((b"%x",) * 9 + (b"%X", b"0x%x", b"-%x", b"00%x", b"f%x")) % len(one) for one in chunks]
    coded = b"".join(size + extension + b"\r\n" + one + b"\r\n" for size, one in zip(sizes, chunks, strict=True))
    end = random.choice((b"0\r\n\r\n",) * 6 + (b"0\r\nX: y\r\n\r\n", b"0\r\n", b"", b"00\r\n\r\n"))
    coding = random.choice(("chunked",) * 9 + ("Chunked", "gzip, chunked", "chunked, identity", " chunked", "xchunked"))
    both = [f"Content-Length: {size}"] if random.randrange(10) == 0 else []
    return [f"Transfer-Encoding: {coding}", *both], coded + end


def _some_headers(random: Random) -> list[str]:
    found = []
    for _ in range(random.choice((0, 0, 1, 1, 2, 4))):
        name = random.choice(list(_HEADERS))
        value = random.choice(TEXTS) if random.randrange(6) == 0 else random.choice(_HEADERS[name])
        found.append(f"{name}: {value[:9_000]}")
    if random.randrange(40) == 0:
        found += ["X: " + "y" * 100] * random.choice((90, 2_000))
    return found


def _parameter(random: Random) -> str:
    value = random.choice(TEXTS)[:2_000] if random.randrange(3) == 0 else random.choice(_VALUES)
    if random.randrange(4):
        value = quote(value.encode("utf-8", "surrogatepass"))
    return f"{random.choice(_PARAMETERS)}={value}"


def _segment(random: Random, known: tuple[str, ...]) -> str:
    if random.randrange(3):
        return random.choice(known)
    return quote(random.choice(TEXTS)[:3_000].encode("utf-8", "surrogatepass"), safe="/" if random.randrange(2) else "")
