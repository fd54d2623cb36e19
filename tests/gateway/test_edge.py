"""Connections, heads and bodies of callers that mean no good: a gateway process stays small and answers others."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from penstock_gateway.body import Structure

from penstock import jobs
from penstock.jetstream.bus import Bus
from tests.gateway.raw_http import GET, JSON, LIVEZ, POST, Start, say
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.replica import Replica


def peak(replica: Replica) -> int:
    """Bytes of memory that the process had at most."""
    (line,) = (one for one in Path(f"/proc/{replica.pid}/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def status(answer: bytes) -> int:
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("begin", "endless"),
    [
        (GET, b"a:b\r\n" * 10_000),
        (GET + b"X: ", b"a" * 50_000),
        (POST + JSON + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"a:b\r\n" * 10_000),
        (POST + JSON + b"Transfer-Encoding: chunked\r\n\r\n2;a=", b"a" * 50_000),
    ],
    ids=["short lines", "one value", "trailers", "an extension of a chunk"],
)
async def test_headers_are_counted_while_they_come(start: Start, begin: bytes, endless: bytes) -> None:
    """20 MB of them are refused early, and never in memory."""
    replica = await start()
    before = peak(replica)
    answer = await say(replica, begin, *[endless] * 400)
    assert status(answer) == 431
    assert peak(replica) - before < 10e6
    assert status(await say(replica, GET + b"a:b\r\n" * 101 + b"\r\n")) == 431


async def test_who_says_nothing_is_not_listened_to_for_ever(start: Start) -> None:
    """Neither at all, nor in the middle of headers, nor between requests."""
    replica = await start(header_timeout=0.2, idle_timeout=0.2)
    for said in (b"", GET, b"\r\n"):
        assert await say(replica, said) == b""
    assert status(await say(replica, GET + b"\r\n")) == 200
    late = await start(body_timeout=0.2)
    assert status(await say(late, POST + JSON + b"Content-Length: 9\r\n\r\n{")) == 408


async def test_more_connections_than_there_may_be_close_the_longest_idle(start: Start) -> None:
    """So that a new one is always answered."""
    replica = await start(max_connections=4)
    silent = [await asyncio.open_connection("127.0.0.1", replica.port) for _ in range(20)]
    assert status(await say(replica, LIVEZ)) == 200
    assert await silent[0][0].read() == b""
    silent[-1][1].write(LIVEZ)
    assert status(await silent[-1][0].read()) == 200
    for _, writer in silent:
        writer.close()


async def test_where_all_connections_are_busy_health_is_answered(start: Start, bus: Bus) -> None:
    """Nothing that is being answered is closed for a new connection; that is told to come back."""
    await jobs.submit(bus, "routing", named("waiting"), b"{}")
    replica = await start(max_connections=3)
    busy = [await asyncio.open_connection("127.0.0.1", replica.port) for _ in range(3)]
    for reader, writer in busy:
        writer.write(b"GET /jobs/waiting/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in await reader.readline()
    refused = await say(replica, GET + b"\r\n")
    assert (status(refused), json.loads(refused.partition(b"\r\n\r\n")[2])["code"]) == (503, "overloaded")
    assert status(await say(replica, LIVEZ)) == 200
    for _, writer in busy:
        writer.close()


async def test_a_body_that_is_too_large_is_told_so(start: Start) -> None:
    """Also a caller that sends all of it first: the connection is not reset beneath the answer."""
    replica = await start()
    for size in (5_000_000, 20_000_000):
        pieces = [b"x" * 100_000] * (size // 100_000)
        answer = await say(replica, POST + JSON + b"Content-Length: %d\r\n\r\n" % size, *pieces)
        assert status(answer) == 413
        assert answer.lower().count(b"\r\nconnection:") == 1


async def test_many_values_are_refused_before_they_are_parsed(start: Start) -> None:
    """And many errors are one. Nothing of the body is sent back at length."""
    replica = await start()
    before = peak(replica)
    keys = b",".join(b'"%d":1' % number for number in range(300_000))
    for content in (
        b'{"query":"x",' + keys + b"}",
        b'{"messages":[' + b",".join([b"[[[1]]]"] * 300_000) + b"]}",
        b'{"query":"x",' + keys[:150_000] + b"}",
        b'{"query":"x","' + rb"\u0001" * 600_000 + b'":1}',
        b'{"query":"x","options":{"' + b"k" * 3_000_000 + b'":1}}',
    ):
        head = POST + JSON + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(content)
        answer = await say(replica, head, content)
        assert status(answer) == 422
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["errors"]
        assert len(answer) < 10_000
    assert peak(replica) - before < 50e6


async def test_a_reader_that_takes_nothing_is_cut(start: Start) -> None:
    """Its connection ends although there is an answer to be sent."""
    replica = await start(write_timeout=0.3)
    _, writer = await asyncio.open_connection("127.0.0.1", replica.port, limit=1000)

    async def ask() -> None:
        while True:  # one that takes the answers would be answered for ever
            writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await writer.drain()

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(ask(), PATIENCE)
    writer.close()


async def test_http_is_spoken_as_its_version_says(start: Start) -> None:
    """No chunks for 1.0; Connection once; a host is needed; HEAD is GET without a body; nosniff on everything."""
    replica = await start()
    old = await say(replica, b"GET /jobs/none/events HTTP/1.0\r\n\r\n")
    assert (status(old), b"chunked" in old) == (404, False)
    assert status(await say(replica, b"GET /patterns HTTP/1.1\r\nConnection: close\r\n\r\n")) == 400
    for method in (b"GET", b"HEAD"):
        for path in (b"/patterns", b"/jobs", b"/docs", b"/openapi.json"):
            answer = await say(replica, method + b" " + path + LIVEZ[len(b"GET /livez") :])
            head, _, content = answer.partition(b"\r\n\r\n")
            assert (status(answer), bool(content)) == (200, method == b"GET"), path
            assert head.lower().count(b"\r\nconnection:") == head.lower().count(b"\r\nx-content-type-options:") == 1
    assert b"nosniff" in await say(replica, b"nonsense\r\n\r\n")


async def test_streams_are_plain_for_http_1_0_and_end_with_their_head_for_head(start: Start, bus: Bus) -> None:
    await jobs.submit(bus, "routing", named("waiting"), b"{}")
    replica = await start()
    path = b" /jobs/waiting/stream?protocol=ui-message "
    head = await say(replica, b"HEAD" + path + b"HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (status(head), head.partition(b"\r\n\r\n")[2]) == (200, b"")
    reader, writer = await asyncio.open_connection("127.0.0.1", replica.port)
    writer.write(b"GET" + path + b"HTTP/1.0\r\n\r\n")
    assert b"transfer-encoding" not in (await reader.readuntil(b"\r\n\r\n")).lower()
    assert (await reader.readline()).startswith(b"data: {")
    writer.close()


async def test_what_cannot_be_answered_any_more_is_no_error(start: Start, tmp_path: Path) -> None:
    """The rest of a connection that was cut off, or refused: nothing is written to it, and nothing is logged."""
    log = tmp_path / "log"
    replica = await start(log=log)
    assert await say(replica, (GET + b"\r\n") * 2 + b"\0\r\n\r\n") == b""
    expecting = POST + JSON + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    offering = POST + JSON + b"Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    for refused in (expecting, offering + GET + b"\r\n"):
        answer = await say(replica, refused)
        assert (status(answer), answer.count(b"HTTP/1.1 ")) == (400, 1)
    assert status(await say(replica, LIVEZ)) == 200
    assert log.read_text() == ""


async def test_other_hosts_and_other_sites_are_refused(start: Start) -> None:
    """Where it listens on loopback; unless they are allowed."""
    replica = await start()

    async def asked(replica: Replica, host: bytes, origin: bytes = b"") -> int:
        head = b"DELETE /jobs/none HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n"
        return status(await say(replica, head + (b"Origin: " + origin + b"\r\n" if origin else b"") + b"\r\n"))

    for host in (b"localhost", b"LOCALHOST:80", b"app.localhost:3000", b"127.0.0.1:8080", b"127.1.2.3", b"[::1]:8080"):
        assert await asked(replica, host) == 404, host
    for host in (b"evil.example", b"127.0.0.1.evil.example", b"localhost.evil.example:80", b"", b"10.0.0.1"):
        assert await asked(replica, host) == 421, host
    assert await asked(replica, b"localhost:3000", b"http://LOCALHOST:3000") == 404
    elsewhere = (b"http://localhost:3000", b"http://127.0.0.1", b"http://app.localhost", b"http://[::1]:80")
    for origin in (b"https://evil.example", b"null", b"http://localhost.evil.example", *elsewhere):
        assert await asked(replica, b"localhost", origin) == 403, origin
    named = await start(allowed_hosts="Jobs.example.,[2001:DB8:0::1]")
    hosts = (b"jobs.example:80", b"[2001:db8::1]:8080", b"localhost")
    assert [await asked(named, host) for host in hosts] == [404, 404, 421]
    for url in (b"https://user@localhost", b"localhost", b"https://localhost/", b"https://[::1%25evil.example]"):
        assert await asked(replica, b"localhost", url) == 403, url
    anything = await start(allowed_hosts="*")
    assert await asked(anything, b"evil.example", b"https://evil.example") == 404
    assert await asked(anything, b"10.0.0.1:8080", b"https://evil.example") == 403
    assert await asked(named, b"[2001:db8::1]:8080", b"https://jobs.example") == 404


@pytest.mark.parametrize("allowed", ["", "*"])
async def test_a_host_that_is_none_is_refused(start: Start, allowed: str) -> None:
    """Whichever are served, and whatever a lenient reader would find in it."""
    replica = await start(allowed_hosts=allowed)
    for host in (
        *(b"evil.example:80@localhost", b"localhost/evil.example", b"http://localhost", b"localhost:99999"),
        *(b"[::1%evil.example]", b"[::1%25lo]", b"[v1.localhost]", b"[localhost]", b"[127.0.0.1]", b"[::1", b"["),
        *(b"localhost:80:80", b"localhost:http", b"localhost, evil.example", "löcalhost".encode()),
    ):
        answer = await say(replica, b"GET /patterns HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")
        assert status(answer) == 400, host


async def test_a_body_has_to_say_that_it_is_json(start: Start) -> None:
    """What a page of another site can send without asking does not; who uses curl is told why."""
    replica = await start()
    for kind, words in (
        (b"", b"without a media type"),
        (b"Content-Type: application/x-www-form-urlencoded\r\n", b"curl"),
    ):
        answer = await say(replica, POST + kind + b'Connection: close\r\nContent-Length: 13\r\n\r\n{"query":"x"}')
        assert status(answer) == 415
        assert words in answer
        assert b"Content-Type: application/json" in answer


async def test_ids_and_times_that_cannot_be_meant(start: Start) -> None:
    """A chat's id with a line break, that no path could name; Unix time in milliseconds."""
    replica = await start()
    content = json.dumps({"id": "a\nb", "messages": [{"role": "user", "content": "x"}]}).encode()
    head = POST + JSON + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(content)
    assert b'"pointer":"/id"' in await say(replica, head + content)
    answer = await say(replica, b"GET /jobs?since=1700000000000" + LIVEZ[len(b"GET /livez") :])
    assert b'"pointer":"/query/since"' in answer


@given(
    st.recursive(st.none() | st.text('\\"[,x'), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
    st.data(),
)
def test_values_are_counted_however_the_body_is_cut(value: object, data: st.DataObject) -> None:
    """As a parser would count them."""

    def count(value: object) -> int:
        items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if items is None else max(1, len(items)) + sum(map(count, items))

    text, structure = json.dumps(value).encode(), Structure()
    while text:
        cut = data.draw(st.integers(1, len(text)))
        structure.feed(text[:cut])
        text = text[cut:]
    assert structure.values == count(value)
