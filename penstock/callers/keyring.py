"""All keys in the memory of a process that is shown them."""

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from nats.aio.msg import Msg

from penstock.callers import keys
from penstock.callers.keys import Key
from penstock.cancelling import stop
from penstock.errors import BusUnavailable
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.stored import Stored

log = logging.getLogger(__name__)

#: What an unknown key is compared with, so that it takes as long as a known one.
_NOBODYS = "0" * 64


class Keyring:
    """No request reads a key from NATS: they are read at the start, and NATS tells what changes.

    A change is known as soon as it is stored; one that was made while the connection was lost, as soon as it is there
    again. `every` so many seconds NATS is asked whether that is all; without an answer for `trusted` seconds nothing is
    believed any more.
    """

    def __init__(self, bus: Bus, *, every: float = 10.0, trusted: float = 60.0) -> None:
        self._bus, self._every, self._trusted = bus, every, trusted
        #: By id: the sequence in the stream, and what it says; None for what was deleted.
        self._known: dict[str, tuple[int, Key | None]] = {}
        self._heard: dict[str, tuple[int, Key | None]] = {}
        self._reading = asyncio.Lock()
        self._confirmed_at = float("-inf")
        self._ends: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Within it the keys are known. Raises BusUnavailable at the entry."""
        async with self._bus.following(self._read, self._hear, subjects.KEYS_CHANGED[1]):
            confirming = asyncio.create_task(self._confirm())
            try:
                yield
            finally:
                await stop(confirming)

    @property
    def is_empty(self) -> bool:
        """Whether no key was ever known here. Of one that was revoked, has expired or was lost, there was one."""
        return not self._known

    @property
    def has_valid(self) -> bool:
        return any(self._serves(key) for _, key in self._known.values())

    def find(self, text: str) -> Key | None:
        """The key, if it is valid. One that is unknown, revoked or expired takes as long to refuse.

        Raises BusUnavailable while it is not known whether what is known is still true.
        """
        if asyncio.get_running_loop().time() - self._confirmed_at > self._trusted:
            raise BusUnavailable("NATS does not confirm the keys")
        _, key = self._known.get(keys.id_of(text) or "", (0, None))
        is_it = hmac.compare_digest(keys.digest(text), key.sha256 if key else _NOBODYS)
        return key if self._serves(key) and is_it else None

    def end_of(self, key_id: str) -> asyncio.Event:
        """Set as soon as the key is known to be revoked, and some seconds after it has expired."""
        return self._ends.setdefault(key_id, asyncio.Event())

    def _serves(self, key: Key | None) -> bool:
        return key is not None and key.serves(self._bus.time.now())

    async def _read(self) -> None:
        async with self._reading:
            self._heard = {}
            began = asyncio.get_running_loop().time()
            # one that is not there any more, its bucket being lost, was there: nobody is served without a key for that
            found: dict[str, tuple[int, Key | None]] = dict.fromkeys(self._known, (0, None))
            async for stored in self._bus.history(subjects.key(">")):
                found[_id(stored.subject)] = (stored.sequence, keys.read(stored.data))
            # what was heard while it was read may be newer
            for key_id, heard in self._heard.items():
                found[key_id] = max(heard, found.get(key_id, heard), key=lambda one: one[0])
            self._known, self._confirmed_at = found, began
        self._tell_ends()

    def _hear(self, message: Msg) -> None:
        stored = Stored.of(message)
        key_id, heard = _id(stored.subject), (stored.sequence, keys.read(stored.data))
        self._known[key_id] = self._heard[key_id] = heard
        self._tell_ends()

    async def _confirm(self) -> None:
        """A connection may be to a server that is cut off from the others."""
        while True:
            await asyncio.sleep(self._every)
            try:
                began = asyncio.get_running_loop().time()
                last = await self._bus.last_from_leader(subjects.key(">"))
                if (last.sequence if last else 0) != max((sequence for sequence, _ in self._known.values()), default=0):
                    await self._read()
                self._confirmed_at = began
            except Exception as error:  # its stream may have been removed, and come back
                log.warning("NATS does not confirm the keys: %r", error)
            self._tell_ends()

    def _tell_ends(self) -> None:
        for key_id, end in list(self._ends.items()):
            if not self._serves(self._known.get(key_id, (0, None))[1]):
                end.set()


def _id(subject: str) -> str:
    return subject.rpartition(".")[2]
