"""Clients that offer HTTP/2 with a request of HTTP/1.1."""

from tests.gateway.raw_http import GET, JSON, LIVEZ, POST, Start, say


async def test_an_upgrade_that_is_offered_is_ignored(start: Start) -> None:
    """As `curl --http2` and Java's client do, with a body behind the head and with another request behind that."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    body = b'{"query": "Why?"}'
    head = POST + JSON + offer + b"Prefer: respond-async\r\nContent-Length: %d\r\n\r\n" % len(body)
    replica = await start()
    at_once = await say(replica, head + body + GET + offer + b"\r\n" + LIVEZ)
    assert [at_once.count(status) for status in (b"HTTP/1.1 202 ", b"HTTP/1.1 200 ")] == [1, 2]
    in_pieces = await say(replica, head, body[:5], body[5:], LIVEZ)
    assert [in_pieces.count(status) for status in (b"HTTP/1.1 202 ", b"HTTP/1.1 200 ")] == [1, 1]
    chunked = POST + JSON + offer + b"Transfer-Encoding: chunked\r\n\r\n"
    assert (await say(replica, chunked + b"0\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
