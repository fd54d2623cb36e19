"""Messages to the subjects that callers may publish to, and a NATS client that sends whatever it is told."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from hypothesis import strategies as st

from penstock import jobs
from penstock.contracts.wire import DEFAULT_TENANT
from penstock.pattern import Pattern
from tests.fuzz.mutations import TEXTS, body, garbled
from tests.support.patience import PATIENCE

_MESSAGE = re.compile(rb"(H?)MSG \S+ 1 (?:(\d+) )?(\d+)\r\n")
_HEADERS = ("Penstock-Job", "Nats-Msg-Id", "Nats-Expected-Stream", "traceparent", "Content-Type", "Nats-TTL", "X")


@dataclass(frozen=True)
class Publication:
    """`headers`: the whole block as it goes over the wire, or none."""

    subject: bytes
    headers: bytes
    data: bytes

    def __repr__(self) -> str:
        return f"{self.subject[:200]!r} {self.headers[:300]!r} {len(self.data)} bytes {self.data[:800]!r}"


@st.composite
def publications(draw: st.DrawFn, patterns: Mapping[str, Pattern[Any, Any]], known: tuple[str, ...]) -> Publication:
    """`known`: ids of jobs that there are."""
    random = draw(st.randoms(use_true_random=True))
    name = random.choice(list(patterns))
    valid: Any = patterns[name].example.model_dump(mode="json", by_alias=True)
    pattern = name if random.randrange(8) else _token(random)
    tenant = DEFAULT_TENANT if random.randrange(8) else _token(random)
    match random.randrange(8):
        case 0:
            subject, valid = f"penstock.submit.{tenant}.{pattern}", valid
        case 1:
            subject, valid = f"penstock.status.{tenant}", {"id": random.choice(known)}
        case 2:
            subject, valid = f"penstock.cancel.{tenant}", {"id": random.choice(known)}
        case 3:
            subject, valid = random.choice(("penstock.patterns", f"penstock.{_token(random)}")), {}
        case _:
            id = jobs.new_job_id() if random.randrange(4) else random.choice((*known, _token(random)))
            subject = f"jobs.{tenant}.{pattern}.{id}"
    data = body(valid, random)
    if random.randrange(50) == 0:
        data = random.choice((b"x" * 5_000_000, b"[" * 1_000_000, b'{"query":"' + b"y" * 8_000_000 + b'"}'))
    return Publication(subject.encode("utf-8", "surrogatepass"), _headers(random), data)


def _token(random: Random) -> str:
    """One token of a subject as the server takes it: without white space, NUL, dots at its ends, or nothing at all.

    Nor DEL: nats-server stores such a subject and does not find it again (its index of subjects uses the byte).
    """
    odd = (
        *TEXTS,
        "chat=x",
        "start",
        "end",
        "x" * 65,
        "x" * 400,
        "ü",
        "a.b",
        "\x01",
        "%41",
        "a/b",
        "$JS",
        "=",
        "-",
        "_",
    )
    text = re.sub(r"[\s\0\x7f]+", "", random.choice(odd))[:500].strip(".")
    return re.sub(r"\.{2,}", ".", text) or "0"


def _headers(random: Random) -> bytes:
    if random.randrange(2):
        return b""
    lines = [
        f"{random.choice(_HEADERS)}: {random.choice((*TEXTS, 'a', '1'))[:5_000]}" for _ in range(random.randint(0, 3))
    ]
    block = "\r\n".join(("NATS/1.0", *lines)).encode("utf-8", "surrogatepass") + b"\r\n\r\n"
    return garbled(block, random) if random.randrange(4) == 0 else block


class Answer:
    """What came back: `refused` by the server itself, else a `status` of the header or the JSON `value`."""

    def __init__(self, refused: str = "", head: bytes = b"", data: bytes = b"") -> None:
        self.refused, self.status = refused, head.partition(b"\r\n")[0].decode()
        self.value: Any = json.loads(data) if data else None


async def publish(nats_url: str, publication: Publication) -> Answer:
    """Send one message on a connection of its own, byte for byte, and have the one answer. Raises TimeoutError."""
    url = urlsplit(nats_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        async with asyncio.timeout(PATIENCE):
            await reader.readline()  # INFO
            hello = {"auth_token": url.username, "headers": True, "no_responders": True, "verbose": False, "lang": "x"}
            subject, block, data = publication.subject, publication.headers, publication.data
            sizes = b"%d %d" % (len(block), len(block) + len(data)) if block else b"%d" % len(data)
            inbox = f"_INBOX.{uuid4().hex}".encode()
            writer.write(b"CONNECT %b\r\nSUB %b 1\r\n" % (json.dumps(hello).encode(), inbox))
            writer.write(b"%bPUB %b %b %b\r\n" % (b"H" if block else b"", subject, inbox, sizes))
            writer.write(block + data + b"\r\n")
            while line := await reader.readline():
                if line.startswith(b"-ERR"):
                    return Answer(refused=line.decode())
                if line.startswith(b"PING"):
                    writer.write(b"PONG\r\n")
                if found := _MESSAGE.fullmatch(line):
                    content = await reader.readexactly(int(found[3]))
                    return Answer(head=content[: int(found[2] or 0)], data=content[int(found[2] or 0) :])
            return Answer(refused="closed")
    except ConnectionError:
        return Answer(refused="closed")
    finally:
        writer.close()
