"""Whatever comes in, the answer is a problem that names what is wrong, and nothing is accepted."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.settings import Settings
from tests.support.gateway_process import GatewayServer, serving_gateway

JSON = {"Content-Type": "application/json"}
POST = b"POST /routing HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", ""),
    "no JSON": (b"{", ""),
    "invalid UTF-8": (b'{"query":"\xff"}', ""),
    "UTF-16": ('{"query":"x"}'.encode("utf-16"), ""),
    "byte order mark": (b'\xef\xbb\xbf{"query":"x"}', ""),
    "a lone surrogate": (rb'{"query":"\ud800"}', ""),
    "a lone low surrogate": (rb'{"query":"x\udc00"}', ""),
    "a raw control character": (b'{"query":"a\x00b"}', ""),
    "an array": (b"[]", ""),
    "null": (b"null", ""),
    "a string": (b'"query"', ""),
    "deep nesting": (b'{"query":' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
    "deep nesting beside it": (b'{"query":"x","more":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}", ""),
    "trailing text": (b'{"query":"x"} {}', ""),
    "nothing in it": (b"{}", "/query"),
    "an empty string": (b'{"query":""}', "/query"),
    "a number": (b'{"query":7}', "/query"),
    "NaN": (b'{"query":"x","options":{"deadlineSeconds":NaN}}', "/options/deadlineSeconds"),
    "infinity": (b'{"query":"x","options":{"deadlineSeconds":1e999}}', "/options/deadlineSeconds"),
    "a negative time": (b'{"query":"x","options":{"deadlineSeconds":-1}}', "/options/deadlineSeconds"),
    "a huge integer": (b'{"query":"x","options":{"deadlineSeconds":' + b"9" * 5000 + b"}}", ""),
    "an unknown field": (b'{"query":"x","colour":"red"}', "/colour"),
    "an unknown field with a slash": (b'{"query":"x","a/b~c":1}', "/a~1b~0c"),
    "an unknown priority": (b'{"query":"x","options":{"priority":"best"}}', "/options/priority"),
    "a model that is not allowed": (b'{"query":"x","options":{"model":"gemini-1"}}', "/options/model"),
    "messages that are none": (b'{"query":"x","messages":{}}', "/messages"),
    "a surrogate in a chat": (rb'{"messages":[{"role":"user","parts":[{"type":"text","text":"\ud800"}]}]}', ""),
}


@pytest.fixture
async def client(alone: GatewayServer) -> httpx.AsyncClient:
    return alone.http


async def test_bad_bodies_are_422_and_name_the_field(client: httpx.AsyncClient, bus: Bus) -> None:
    """Each with a pointer into the body, on the plain route and on the chat's."""
    for name, (body, pointer) in BODIES.items():
        for path in ("/routing", "/routing?protocol=ui-message", "/routing?protocol=sse"):
            response = await client.post(path, content=body, headers=JSON)
            assert response.status_code == 422, (name, path, response.text)
            assert response.headers["content-type"] == "application/problem+json"
            problem = response.json()
            assert problem["code"] == "invalid_request"
            assert problem["errors"][0]["pointer"].startswith(pointer), (name, problem)
    assert not await bus.last_from_any_replica(["jobs.>"])


async def test_a_webhook_that_cannot_be_served_is_refused_at_once(client: httpx.AsyncClient, bus: Bus) -> None:
    """Before there is a job, whose JSON text could only break off."""
    body = {"query": "Hello", "options": {"webhook": "https://example.com/done"}}
    refused = await client.post("/routing", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/options/webhook")
    assert (await bus.jetstream.stream_info(subjects.JOBS)).state.messages == 0


async def test_what_is_odd_but_sound_is_accepted(client: httpx.AsyncClient, bus: Bus) -> None:
    """And reaches the aggregator in a form that it takes: the model's own."""
    for body in (
        b'{"query":"a\\u0000b\\ud83d\\ude00"}',
        b' {"query":"x","query":"last"} ',
        b'{"query":"x","options":{"deadlineSeconds":"5"}}',
    ):
        response = await client.post("/routing", content=body, headers=JSON | {"Prefer": "respond-async"})
        assert response.status_code == 202, (body, response.text)
    stored = [json.loads(message.data) async for message in bus.history("jobs.>")]
    assert stored == [
        {"query": "a\0b😀"},
        {"query": "last"},
        {"query": "x", "options": {"deadlineSeconds": 5.0}},
    ]


async def test_other_requests_that_cannot_be_served(client: httpx.AsyncClient) -> None:
    """Status and code of each."""
    good = {"json": {"query": "x"}}
    table: list[tuple[str, str, Any, int, str]] = [
        ("GET", "/nowhere", {}, 404, "not_found"),
        ("GET", "/%00%ff%E2%80%A8", {}, 404, "not_found"),
        ("GET", "/routing", {}, 405, "method_not_allowed"),
        ("POST", "/jobs", {}, 405, "method_not_allowed"),
        ("GET", "/patterns/none", {}, 404, "unknown_pattern"),
        ("POST", "/routing?protocol=morse", good, 400, "invalid_parameter"),
        ("POST", "/routing?prtocol=sse", good, 400, "invalid_parameter"),
        ("GET", "/routing/chat-1/stream?protocol=sse", {}, 400, "invalid_parameter"),
        ("POST", "/routing", {"content": b"query=x", "headers": {"Content-Type": "text/plain"}}, 415,
         "unsupported_media_type"),
        ("POST", "/routing", {"content": b"\x1f\x8b", "headers": JSON | {"Content-Encoding": "gzip"}}, 415,
         "unsupported_media_type"),
        ("GET", "/jobs", {"headers": {f"X-{n}": "x" * 5000 for n in range(14)}}, 431, "headers_too_large"),
        ("GET", "/nowhere", {"headers": {"Host": "["}}, 400, "bad_request"),
        ("GET", "/nowhere", {"headers": {"Host": "evil.example"}}, 421, "host_not_allowed"),
        ("GET", "/nowhere", {"headers": {"X-Odd": b"\xff\xfe"}}, 404, "not_found"),
    ]  # fmt: skip
    for method, path, options, status, code in table:
        response = await client.request(method, path, **options)
        assert (response.status_code, response.json()["code"]) == (status, code), (method, path, response.text)
        assert response.headers["content-type"] == "application/problem+json"


async def test_a_parameter_that_there_is_not_is_refused(client: httpx.AsyncClient) -> None:
    """By its name, with the one that was probably meant; probes of health may give theirs."""
    refused = await client.get("/jobs?limt=3&limit=2&a/b=1")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_parameter")
    assert refused.json()["errors"] == [
        {"pointer": "/query/limt", "detail": "there is no such parameter (did you mean 'limit'?)"},
        {"pointer": "/query/a~1b", "detail": "there is no such parameter"},
    ]
    for path in ("/", "/docs", "/patterns/routing", "/openapi.json", "/jobs/none/events", "/jobs/none/stream"):
        assert (await client.get(f"{path}?x=1")).status_code == 400, path
    assert (await client.get("/readyz?verbose")).status_code == 200
    assert (await client.get("/routing/chat-1/stream?protocol=ui-message")).status_code == 204


async def test_a_large_body_is_refused_before_it_is_read(bus: Bus, settings: Settings) -> None:
    """By its declared length without a byte of it; without one, as soon as there is too much."""
    async with serving_gateway(settings.model_copy(update={"max_body": 1000})) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(POST + b"Content-Length: 1001\r\n\r\n")
        assert b" 413 " in await reader.readline()
        writer.close()

        async def endless() -> asyncio.StreamReader:  # type: ignore[misc]
            while True:
                yield b"x" * 400

        try:
            response = await gateway.http.post("/routing", content=endless(), headers=JSON)
            assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
        except (httpx.WriteError, httpx.ReadError):
            pass  # the server has hung up while we were still sending
        exactly = json.dumps({"query": "x" * (1000 - len('{"query": ""}'))})
        accepted = await gateway.http.post("/routing", content=exactly, headers=JSON | {"Prefer": "respond-async"})
        assert accepted.status_code == 202


async def test_bytes_that_are_no_http_harm_nobody(client: httpx.AsyncClient, alone: GatewayServer) -> None:
    """The connection is closed; the next request is served."""
    for request in (
        b"\x00\x01\x02\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        POST + b"Content-Length: -5\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        POST + b"Content-Length: 50\r\n\r\n{",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", alone.port)
        writer.write(request)
        writer.write_eof()
        answer = await reader.read(1000)
        assert answer == b"" or b" 400 " in answer.split(b"\r\n")[0], (request, answer)
        writer.close()
    assert (await client.get("/livez")).text == "ok\n"
