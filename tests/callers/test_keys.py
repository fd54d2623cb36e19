"""What a key is, and how every process comes to know all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from penstock.callers import keys
from penstock.callers.caller import Limits
from penstock.callers.keyring import Keyring
from penstock.callers.keys import Keys, UnknownKey
from penstock.errors import BusUnavailable
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.jetstream.streams import declare
from penstock.settings import Settings
from tests.client.relay import Relay
from tests.support.keys import new_key
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
async def bus(settings: Settings) -> AsyncIterator[Bus]:
    async with connected(settings) as bus:
        await declare(bus.jetstream, settings)
        yield bus


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Bus]:
    bus = await connect(settings, "test")
    try:
        yield bus
    finally:
        await bus.connection.close()


async def until(happened: Callable[[], bool]) -> None:
    """Of what a message makes happen: the loop goes on meanwhile."""
    async with asyncio.timeout(PATIENCE):
        while not happened():
            await asyncio.sleep(0.001)


def test_no_two_keys_are_the_same_and_none_holds_its_secret() -> None:
    """256 random bits, and only their hash is kept."""
    made = [keys.make("one", "acme", created=NOW) for _ in range(1000)]
    assert len({one.text for one in made}) == len({one.key.id for one in made}) == 1000
    for text, key in made:
        assert keys.id_of(text) == key.id
        assert keys.digest(text) == key.sha256
        assert text.rpartition("_")[2] not in key.model_dump_json()


def test_a_mistyped_key_is_told_from_one() -> None:
    """By its checksum, wherever the letter is."""
    text, _ = keys.make("one", "acme", created=NOW)
    for index, letter in enumerate(text):
        other = "0" if letter != "0" else "1"
        assert keys.id_of(text[:index] + other + text[index + 1 :]) is None
    for wrong in ("", "psk_", text[:-1], text + "0", f" {text}", text + "\n"):
        assert keys.id_of(wrong) is None


def test_a_key_of_a_newer_version_is_read_without_what_is_new() -> None:
    _, key = keys.make("one", "acme", created=NOW, limits=Limits(rate="10/minute"))
    newer = key.model_dump_json().replace('"rate"', '"tokensPerDay": 5, "rate"')
    assert keys.read(newer.encode()) == key
    assert keys.read(b"") is None  # as NATS marks what `nats kv del` deletes


async def test_keys_are_listed_and_the_first_revocation_counts(bus: Bus) -> None:
    first, second = await new_key(bus, "acme"), await new_key(bus)
    revoked = await Keys(bus).revoke(first.key.id)
    assert revoked.revoked is not None
    again = await Keys(bus).revoke(first.key.id)
    assert again.model_dump_json() == revoked.model_dump_json()
    listed = {key.id: key for key in await Keys(bus).all()}
    assert listed == {first.key.id: again, second.key.id: second.key}
    for unknown in ("0123456789", "a.b", "*", ">", ""):
        with pytest.raises(UnknownKey, match="penstock keys list"):
            await Keys(bus).revoke(unknown)


async def test_a_keyring_has_all_keys_and_hears_of_changes(bus: Bus) -> None:
    """Those from before, those made meanwhile, and what becomes of them: revoked, expired, deleted."""
    keyring = Keyring(bus)
    before = await new_key(bus, "acme", admin=True, limits=Limits(jobs=3))
    over = await new_key(bus, expires=datetime.now(UTC) - timedelta(seconds=5))
    async with keyring.kept():
        assert keyring.find(before.text) == before.key
        assert before.key.caller().tenant == "acme"
        assert keyring.find(over.text) is None
        later = await new_key(bus)
        await until(lambda: keyring.find(later.text) is not None)
        wrong = keys.make("test", "acme", created=NOW).text
        assert keyring.find(wrong) is None
        # with the id of a key, and another secret
        assert keyring.find(later.text[:20] + wrong[20:]) is None
        await Keys(bus).revoke(before.key.id)
        await until(lambda: keyring.find(before.text) is None)
        assert keyring.has_valid
        await (await bus.jetstream.key_value("KEYS")).delete(later.key.id)
        await until(lambda: keyring.find(later.text) is None)
        assert not keyring.has_valid
        assert not keyring.is_empty


async def test_what_is_open_ends_with_its_key(bus: Bus) -> None:
    keyring = Keyring(bus)
    async with keyring.kept(), asyncio.timeout(PATIENCE):
        made = await new_key(bus)
        end = keyring.end_of(made.key.id)
        await until(lambda: keyring.find(made.text) is not None)
        assert keyring.end_of(made.key.id) is end
        await Keys(bus).revoke(made.key.id)
        await end.wait()


async def test_a_revocation_while_the_connection_was_lost_is_known_when_it_is_back(
    bus: Bus, settings: Settings
) -> None:
    """Without a message: NATS has told nobody who was not there. Keys that are gone are forgotten, too."""
    async with Relay(int(settings.nats_url.rpartition(":")[2])) as relay:
        through = settings.model_copy(update={"nats_url": relay.url.replace("http", "nats")})
        async with connected(through) as other:
            keyring = Keyring(other)
            revoked, removed = await new_key(bus), await new_key(bus)
            async with keyring.kept():
                end = keyring.end_of(revoked.key.id)
                target, relay.target = relay.target, None
                await relay.cut()
                await until(lambda: not other.connection.is_connected)
                await Keys(bus).revoke(revoked.key.id)
                await bus.jetstream.purge_stream(subjects.KEYS, subject=subjects.key(removed.key.id))
                made = await new_key(bus)
                assert keyring.find(revoked.text) is not None  # it goes on with what it knows
                relay.target = target
                async with asyncio.timeout(PATIENCE):
                    await end.wait()
                assert keyring.find(revoked.text) is None
                assert keyring.find(removed.text) is None
                assert keyring.find(made.text) is not None


async def test_without_nats_keys_are_not_believed_for_ever(bus: Bus, nats: NatsServer, settings: Settings) -> None:
    """Neither a right one nor a wrong one is answered for; with NATS back both are. So without the bucket."""
    keyring = Keyring(bus, every=0.05, trusted=1.0)
    made = await new_key(bus)

    def answer() -> str:
        try:
            return "yes" if keyring.find(made.text) else "no"
        except BusUnavailable:
            return "unsure"

    async with keyring.kept():
        await nats.kill()
        await until(lambda: answer() == "unsure")
        with pytest.raises(BusUnavailable):
            keyring.find("psk_wrong")
        await nats.start()
        await until(lambda: answer() == "yes")
        await bus.jetstream.delete_stream(subjects.KEYS)
        await until(lambda: answer() == "unsure")
        await declare(bus.jetstream, settings)
        await until(lambda: answer() == "no")
        assert not keyring.is_empty  # nobody is served without a key because all are lost
