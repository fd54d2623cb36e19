"""What a client asks of NATS alone is tried again while NATS is away, and then Unreachable."""

import asyncio
import signal

import pytest

from penstock.client import DeadLetters, NatsClient, Unreachable
from penstock.jetstream import subjects
from tests.support.pipeline import Pipeline
from tests.support.servers import NatsServer


async def test_a_dead_letter_is_purged_once_nats_answers(pipeline: Pipeline, nats: NatsServer) -> None:
    """One that is gone already is gone: the answer to an earlier try may have been lost."""
    letters = DeadLetters(pipeline.bus)
    headers = {subjects.DEAD_REASON_HEADER: "poisoned", subjects.DEAD_SUBJECT_HEADER: "jobs.default.routing.some-job"}
    number = await pipeline.bus.append(subjects.dead("jobs.default.routing.some-job"), b"{}", headers=headers)
    letter = await letters.get(number)
    nats.signal(signal.SIGSTOP)
    purging = [asyncio.create_task(letters.purge(letter)) for _ in range(2)]
    await asyncio.sleep(0)
    nats.signal(signal.SIGCONT)
    await asyncio.gather(*purging)
    assert [one async for one in letters.all()] == []


async def test_nats_away_is_unreachable(pipeline: Pipeline, nats: NatsServer) -> None:
    quick = pipeline.settings.model_copy(update={"nats_timeout": 2})
    number = await pipeline.bus.append(subjects.dead("x"), b"", headers={subjects.DEAD_SUBJECT_HEADER: "x"})
    async with NatsClient(quick) as client:
        letters = DeadLetters(client.bus)
        letter = await letters.get(number)
        nats.signal(signal.SIGSTOP)
        try:
            with pytest.raises(Unreachable, match=f"removing dead letter {number}: "):
                await letters.purge(letter)
            with pytest.raises(Unreachable, match="reading dead letters: "):
                await letters.get(number)
            with pytest.raises(Unreachable, match="listing jobs: "):
                await anext(client.jobs())
        finally:
            nats.signal(signal.SIGCONT)


async def test_what_nats_said_is_told_although_connections_end_without_a_word_after_it() -> None:
    """As they do where a refusal is lost on its way, by chance."""
    said = [b"-ERR 'Authorization Violation'\r\n"]

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if said:
            writer.write(b'INFO {"max_payload": 1048576}\r\n')
            await reader.readuntil(b"PING\r\n")
            writer.write(said.pop())
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        url = f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(Unreachable, match=r"does not let us in .*Authorization Violation.*PENSTOCK_NATS_TOKEN"):
            await NatsClient(url, patience=2).__aenter__()
    assert not said
