"""The address that was checked is the one that is connected to."""

import asyncio
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from httpx2 import URL

from penstock.settings import Webhooks
from penstock.webhooks.resolver import Address, Resolver
from penstock.webhooks.transport import Forbidden, Resolve, Transport, Undelivered
from tests.support.certificate import certificate_for
from tests.webhooks.receiver import Receiver

PUBLIC = Webhooks(webhook_timeout=5)
HERE = Webhooks(webhook_timeout=5, webhook_allowed_networks=(ip_network("127.0.0.0/8"),))


def answering(*turns: list[str]) -> Resolve:
    """A name server that answers differently each time."""
    left = iter(turns)

    async def resolve(host: str, port: int) -> list[Address]:
        return [ip_address(address) for address in next(left)]

    return resolve


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return certificate_for("hooks.example", tmp_path)


async def test_a_name_that_turns_to_a_private_address_is_refused_before_anything_is_sent() -> None:
    """DNS rebinding: what it resolves to is checked at each connection, and nowhere else resolved."""
    async with Receiver() as receiver:
        transport = Transport(PUBLIC, resolve=answering(["127.0.0.1"]))
        with pytest.raises(Forbidden, match=r"hooks\.example leads to 127\.0\.0\.1"):
            await transport.post(URL(f"http://hooks.example:{receiver.port}/"), {}, b"{}")
        await transport.aclose()
    assert receiver.received == []


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    transport = Transport(HERE, resolve=answering(["127.0.0.1", "10.0.0.1"]))
    with pytest.raises(Forbidden):
        await transport.post(URL("http://hooks.example/"), {}, b"{}")
    await transport.aclose()


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]"])
async def test_other_spellings_of_this_machine_are_refused(host: str) -> None:
    """The system's resolver reads them; what it makes of them is checked."""
    transport = Transport(PUBLIC)
    with pytest.raises(Forbidden):
        await transport.post(URL(f"http://{host}:1/"), {}, b"{}")
    await transport.aclose()


async def test_tls_asks_for_and_verifies_the_host_of_the_url(certificate: Path) -> None:
    """Connected to the checked address, yet with the URL's name for SNI, certificate and Host."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    async with Receiver(tls=server) as receiver:
        transport = Transport(
            HERE,
            resolve=answering(["127.0.0.1"], ["127.0.0.1"]),
            ssl_context=ssl.create_default_context(cafile=str(certificate)),
        )
        status, _ = await transport.post(URL(f"https://hooks.example:{receiver.port}/a?b=c"), {}, b"{}")
        with pytest.raises(Undelivered):
            await transport.post(URL(f"https://other.example:{receiver.port}/"), {}, b"{}")
        await transport.aclose()
    (received,) = receiver.received
    assert status == 204
    assert received.server_name == "hooks.example"
    assert received.headers["host"] == f"hooks.example:{receiver.port}"
    assert received.target == "/a?b=c"


async def test_a_stranger_s_certificate_is_no_delivery(certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    async with Receiver(tls=server) as receiver:
        transport = Transport(HERE, resolve=answering(["127.0.0.1"]))
        with pytest.raises(Undelivered):
            await transport.post(URL(f"https://hooks.example:{receiver.port}/"), {}, b"{}")
        await transport.aclose()
    assert receiver.received == []


async def test_an_address_that_is_down_gives_way_to_the_next() -> None:
    async with Receiver() as receiver:
        transport = Transport(HERE, resolve=answering(["127.0.0.2", "127.0.0.1"]))
        status, _ = await transport.post(URL(f"http://hooks.example:{receiver.port}/"), {}, b"{}")
        await transport.aclose()
    assert status == 204


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name once more, elsewhere."""
    async with Receiver() as receiver, Receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        transport = Transport(HERE)
        await transport.post(URL(f"http://127.0.0.1:{receiver.port}/"), {}, b"{}")
        await transport.aclose()
    assert (len(receiver.received), len(proxy.received)) == (1, 0)


async def test_retry_after_is_returned_in_seconds() -> None:
    async with Receiver((503, [("Retry-After", "120")]), (503, [("Retry-After", "tomorrow")])) as receiver:
        transport = Transport(HERE)
        url = f"http://127.0.0.1:{receiver.port}/"
        assert [(await transport.post(URL(url), {}, b"{}"))[1] for _ in range(2)] == [120, None]
        await transport.aclose()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://no-such-host.invalid/", f"http://{'a' * 64}.example/"])
async def test_what_cannot_be_reached_is_undelivered(url: str) -> None:
    transport = Transport(HERE)
    with pytest.raises(Undelivered):
        await transport.post(URL(url), {}, b"{}")
    await transport.aclose()


async def test_names_are_looked_up_although_the_loop_s_own_threads_are_taken() -> None:
    """Nor do look-ups take any of these."""
    loop, free = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    taken = loop.run_in_executor(None, free.wait)
    async with Receiver() as receiver:
        transport = Transport(HERE)
        status, _ = await transport.post(URL(f"http://localhost:{receiver.port}/"), {}, b"{}")
        await transport.aclose()
    assert (status, taken.done()) == (204, False)
    free.set()
    await taken


async def test_look_ups_that_hang_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for them any more, and yet they count until they end."""
    hanging, answers = threading.Event(), threading.Event()

    def getaddrinfo(*_: object, **__: object) -> None:
        hanging.set()
        answers.wait()
        raise OSError("no such name")

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    resolve = Resolver(threads=1)
    first = asyncio.ensure_future(resolve("slow.example", 443))
    await asyncio.to_thread(hanging.wait)
    first.cancel()
    with pytest.raises(OSError, match="too many"):
        await resolve("other.example", 443)
    answers.set()
    (look_up,) = (thread for thread in threading.enumerate() if thread.name == "webhook-resolver")
    await asyncio.to_thread(look_up.join)
    with pytest.raises(OSError, match="no such name"):
        await resolve("other.example", 443)


async def test_a_thread_that_cannot_be_started_is_not_missed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a container has as many as it may; afterwards names are looked up as before."""

    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolve = Resolver(threads=1)
    with monkeypatch.context() as during:
        during.setattr(threading.Thread, "start", full)
        with pytest.raises(OSError, match="cannot be looked up"):
            await resolve("localhost", 443)
    assert await resolve("localhost", 443)
