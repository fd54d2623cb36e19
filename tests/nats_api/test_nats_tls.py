"""Connections to NATS by TLS: whom services believe, whom the server lets in."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from penstock.cancelling import stop
from penstock.errors import Misconfigured
from penstock.hosting.broker import Broker
from penstock.jetstream.connection import connect, connect_options
from penstock.nats_api.server_config import Tls, server
from penstock.settings import Settings
from tests.support.certificate import Authority
from tests.support.pipeline import pipeline_of
from tests.support.secured import as_user, configured, identity, secured
from tests.support.servers import NatsServer
from tests.support.simulator import Steering


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
async def nats(tmp_path: Path, ca: Authority) -> AsyncIterator[NatsServer]:
    """It asks clients for a certificate of the same CA."""
    configured(tmp_path / "users")
    cert, key = ca.issue("127.0.0.1")
    tls = server("x", Tls(str(cert), str(key), str(ca.certificate), verify=True))
    block = tls[tls.index("tls {") : tls.rindex("include")]
    async with secured(tmp_path / "users", tmp_path, block) as secure:
        yield secure


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, ca: Authority) -> Settings:
    """The operator's."""
    cert, key = ca.issue("penstock")
    tls = {"nats_ca": ca.certificate, "nats_cert": cert, "nats_key": key}
    return as_user(settings, tmp_path / "users", "operator").model_copy(update=tls)


async def test_a_job_runs(settings: Settings, gemini: Steering, tmp_path: Path) -> None:
    async with pipeline_of(settings, gemini) as pipeline:
        for kind in ("aggregator", "classifier", "workers"):
            await pipeline.start(kind, **identity(tmp_path / "users", kind))
        assert await pipeline.run("routing", {"query": "Our API answers 502"})


async def test_without_a_certificate_nobody_is_let_in(settings: Settings) -> None:
    await is_refused(
        settings.model_copy(update={"nats_cert": None, "nats_key": None}), "(?i)certificate|unknown ca|closed|reset"
    )


async def test_a_certificate_of_another_ca_is_not_let_in(settings: Settings, tmp_path: Path) -> None:
    cert, key = Authority(tmp_path / "other").issue("penstock")
    await is_refused(
        settings.model_copy(update={"nats_cert": cert, "nats_key": key}), "(?i)certificate|unknown ca|closed|reset"
    )


async def test_a_server_with_a_certificate_of_another_ca_is_not_believed(settings: Settings, tmp_path: Path) -> None:
    other = settings.model_copy(update={"nats_ca": Authority(tmp_path / "other").certificate})
    await is_refused(other, "CERTIFICATE_VERIFY_FAILED")


async def test_a_server_that_offers_no_tls_is_told_no_password(settings: Settings) -> None:
    """nats-py sends it. Somebody who stands in between and says that there is no TLS hears nothing."""
    heard = bytearray()

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.15.1","max_payload":8388608,"headers":true}\r\n')
        heard.extend(await reader.read())
        writer.close()

    async with await asyncio.start_server(pretend, "127.0.0.1", 0) as pretending:
        url = f"nats://127.0.0.1:{pretending.sockets[0].getsockname()[1]}"
        deceived = settings.model_copy(update={"nats_url": url})
        await is_refused(deceived, "offers none")
        by_scheme = {"nats_url": url.replace("nats", "tls"), "nats_ca": None, "nats_cert": None, "nats_key": None}
        await is_refused(deceived.model_copy(update=by_scheme), "offers none")
        connecting = asyncio.create_task(Broker(deceived, "workers", _nothing).connect())
        await asyncio.wait({connecting}, timeout=1)
        await stop(connecting)
    assert bytes(heard) == b""


async def test_what_is_no_certificate_is_said_to_be_none(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("none")
    with pytest.raises(Misconfigured, match="PENSTOCK_NATS_CA"):
        connect_options(settings.model_copy(update={"nats_ca": tmp_path / "none.pem"}), "test")


async def is_refused(settings: Settings, why: str) -> None:
    """There is no connection, however long it tries; `why` is what the client says."""
    said: list[str] = []
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connect(settings, "test", lambda error: said.append(repr(error))), 1.5)
    assert re.search(why, "\n".join(said)), said


async def _nothing() -> None: ...
