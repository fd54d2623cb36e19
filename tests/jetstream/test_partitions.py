"""Which partition a job is in: NATS reckons as we do, and nothing is looked for where it is not."""

import json
from pathlib import Path

import pytest
from nats.js.errors import NoStreamResponseError

from penstock.errors import Misconfigured
from penstock.jetstream import subjects
from penstock.jetstream.backup import back_up, bring_back
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import check_server, connect
from penstock.jetstream.partitions import PARTITIONED, Partitions, logical, logical_stream, stream_of
from penstock.jetstream.streams import declare, plan, stream_configs
from penstock.local import nats_server
from penstock.settings import Settings
from tests.support.naming import named
from tests.support.servers import NatsServer

FOUR = Partitions(4)
IDS = [f"job-{number}" for number in range(100)]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"partitions": 4})


async def test_nats_reckons_the_same_partition(bus: Bus, tmp_path: Path) -> None:
    """Who knows nothing of partitions publishes a job as ever: a mapping of the server brings it to its own."""
    nats_server.command(tmp_path / "mapped", 0, partitions=4)
    config = json.loads((tmp_path / "mapped" / "nats.conf").read_text())
    plain = NatsServer(tmp_path / "plain", "-c", str(tmp_path / "plain.conf"))
    port = int(plain.url.rpartition(":")[2])
    (tmp_path / "plain.conf").write_text(json.dumps(config | {"listen": f"127.0.0.1:{port}"}))
    async with plain:
        mapped = await connect(Settings(nats_url=plain.url, partitions=4), "test")
        await declare(mapped.jetstream, Settings(nats_url=plain.url, partitions=4))
        for job in IDS:
            ack = await mapped.jetstream.publish(subjects.job("routing", named(job)), b"{}")
            assert ack.stream == f"JOBS-{FOUR.number(job)}"
        found = [subjects.of_job(one.subject)[1].id async for one in mapped.history("jobs.>")]
        assert sorted(found) == sorted(IDS)
        await mapped.connection.close()
    with pytest.raises(NoStreamResponseError):  # without the mapping it is nobody's, and the caller hears so
        await bus.jetstream.publish(subjects.job("routing", named("a")), b"{}")


async def test_all_of_a_job_is_in_one_partition_and_jobs_are_in_all(bus: Bus) -> None:
    """What is stored has the same number as its stream, and is read and republished by the name that code knows."""
    heard = []

    async def hear(message: object) -> None:
        heard.append(message)

    subscription = await bus.connection.subscribe("facts.>", cb=hear)
    numbers = set()
    for job in map(named, IDS[:20]):
        all_of_it = [
            subjects.job("routing", job),
            subjects.step("workers", "routing", "respond", job, "respond-1"),
            subjects.journal(job, "respond-1"),
            subjects.journal(job, "signal.yes"),
            subjects.events(job),
        ]
        for subject in all_of_it:
            await bus.append(subject, b"{}")
        stored = [await bus.last_from_leader(subject) for subject in all_of_it]
        assert [one and one.subject for one in stored] == all_of_it
        streams = [stream_of(bus.partitions.one(subject)) for subject in all_of_it]
        assert {logical_stream(stream) for stream in streams} == set(PARTITIONED)
        (number,) = {stream.rpartition("-")[2] for stream in streams}
        numbers.add(number)
    assert numbers == {"0", "1", "2", "3"}
    infos = [await bus.jetstream.stream_info(f"JOBS-{number}") for number in range(4)]
    assert sum(info.state.messages for info in infos) == 20
    await bus.connection.flush()
    assert len(heard) == 40
    await subscription.unsubscribe()


async def test_what_is_of_all_jobs_cannot_be_read_as_if_it_were_one_stream(bus: Bus) -> None:
    """Sequences of several streams mean nothing together. One partition after the other is read."""
    every = subjects.journal(subjects.EVERY, ">")
    with pytest.raises(ValueError, match="in each of 4 partitions"):
        await bus.last_from_leader(every)
    with pytest.raises(ValueError, match="in each of 4 partitions"):
        [one async for one in bus.history(every, after=1)]
    assert [logical(one) for one in bus.partitions.each(every)] == [every] * 4
    assert [one async for one in bus.history(every)] == []


async def test_no_service_runs_with_another_number(bus: Bus, settings: Settings) -> None:
    """It says so at its start, at once: what it would write is stored nowhere."""
    for count in (1, 2, 64):
        other = settings.model_copy(update={"partitions": count})
        wrong = await connect(other, "test")
        with pytest.raises(Misconfigured, match=f"PENSTOCK_PARTITIONS={count}, and the streams were declared with 4"):
            await check_server(wrong, other)
        with pytest.raises(NoStreamResponseError):
            await wrong.jetstream.publish(wrong.partitions.one(subjects.job("routing", named("a"))), b"{}")
        await wrong.connection.close()
    await check_server(bus, settings)


async def test_another_number_is_for_empty_streams_only(bus: Bus, settings: Settings) -> None:
    """Even where data may be lost: what runs would never end. The plan says it first."""
    two = settings.model_copy(update={"partitions": 2})
    job = subjects.job("routing", named("a"))
    await bus.once(job, b"{}")
    planned = {str(one): one.action for one in await plan(bus.jetstream, two)}
    assert planned["stream JOBS-3"] == "remove"
    before = {one.config.name: one.config for one in await bus.jetstream.streams_info()}
    with pytest.raises(Misconfigured, match=r"holds 1 messages, and no job moves from 4 partitions to 2: "):
        await declare(bus.jetstream, two, allow_data_loss=True)
    assert {one.config.name: one.config for one in await bus.jetstream.streams_info()} == before
    await bus.jetstream.purge_stream(stream_of(bus.partitions.one(job)))
    await declare(bus.jetstream, two)
    names = {str(one.config.name) for one in await bus.jetstream.streams_info()}
    assert names == set(Partitions(2).all_streams)
    assert all(one.action == "keep" for one in await plan(bus.jetstream, two))
    one = settings.model_copy(update={"partitions": 1})
    await declare(bus.jetstream, one)
    assert {str(info.config.name) for info in await bus.jetstream.streams_info()} == set(subjects.STREAMS)


def test_partitions_share_what_one_stream_had(settings: Settings) -> None:
    """Bytes, that is; all else is the same in each."""
    one = {str(config.name): config for config in stream_configs(settings.model_copy(update={"partitions": 1}))}
    for config in stream_configs(settings):
        alone = one[logical_stream(str(config.name))]
        share = 4 if alone.name in PARTITIONED else 1
        assert config.max_bytes == (alone.max_bytes or 0) // share
        assert (config.max_age, config.discard, config.retention) == (alone.max_age, alone.discard, alone.retention)


async def test_a_backup_has_all_partitions(bus: Bus, tmp_path: Path) -> None:
    for job in IDS:
        await bus.once(subjects.job("routing", named(job)), b"{}")
    manifest = await back_up(bus.connection, tmp_path / "saved", lambda *_: None)
    assert manifest["exact"]
    async with NatsServer(tmp_path / "other") as server:
        other = await connect(Settings(nats_url=server.url, partitions=4), "test")
        await bring_back(other.connection, tmp_path / "saved", lambda *_: None, replicas=1)
        assert len([one async for one in other.history("jobs.>")]) == len(IDS)
        await check_server(other, Settings(nats_url=server.url, partitions=4))
        await other.connection.close()
