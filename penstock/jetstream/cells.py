"""One message that many processes change, each by what it is just then: compare and swap.

NATS stores a message only if the last of its subject is the one that the writer has seen. So what is decided by a cell,
and written to it, was decided by what was true, however many decide at once.
"""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.msg import Msg
from nats.js.errors import APIError

from penstock.errors import BusUnavailable
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.stored import Stored

log = logging.getLogger(__name__)

_EXPECTED, _LIFE = "Nats-Expected-Last-Subject-Sequence", "Nats-TTL"
#: Cells that a process keeps in mind.
_KEPT = 10_000
#: Seconds within which what was taken together was used soon.
_SOON = 1.0
#: The server's error numbers where another message is the last of the subject, or about to be.
_OTHERS = (10071, 10164)


class Cell:
    """A subject of a stream that keeps one message of each, as this process has last seen it.

    It begins as an empty one: most are, and of one that is not the first `swap` tells. One task at a time may use it.
    """

    def __init__(self, bus: Bus, subject: str) -> None:
        self._bus, self._subject, self._sequence = bus, subject, 0
        self.data: bytes | None = None
        #: The latest of what was heard of it since the last look. Seen between two swaps only: what was decided by one
        #: thing is not to be stored in place of another.
        self._heard = (0, b"")
        #: Whether another one has ever been first.
        self.shared = False

    async def swap(self, data: bytes, *, life: float | None = None) -> bool:
        """Store `data` in place of what was seen. False: there is something else, which is seen now.

        `life`: seconds after which it is gone, whole ones. What was stored though its answer was lost is found there
        like another's. Raises BusUnavailable: `data` may be stored or not.
        """
        headers = {_EXPECTED: str(self._sequence)} | ({_LIFE: str(max(1, math.ceil(life)))} if life else {})
        try:
            self._sequence = await self._bus.append(self._subject, data, headers=headers)
        except APIError as error:
            if error.err_code not in _OTHERS:
                raise
            seen = self._sequence
            if not self.look():
                stored = await self._bus.last_from_leader(self._subject)
                self.data, self._sequence = (stored.data, stored.sequence) if stored else (None, 0)
            # what was there before this process, or is gone by its age, was nobody's doing
            self.shared |= 0 < seen < self._sequence
            return False
        self.data = data
        return True

    def hear(self, sequence: int, data: bytes) -> None:
        """What was stored there, by anybody, in any order: for the next `look`."""
        self._heard = max(self._heard, (sequence, data))

    def look(self) -> bool:
        """See what was heard, and whether that is news."""
        (sequence, data), self._heard = self._heard, (0, b"")
        if sequence <= self._sequence:
            return False
        self.data, self._sequence = data, sequence
        return True


class Cells:
    """The cells of a process: what it has seen of one need not be read again. Those used least lately are forgotten.

    Once another process has changed one, it is told of all changes: for what alternates between two gateways that is
    a message instead of a refusal and a read.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._kept: OrderedDict[str, tuple[asyncio.Lock, Cell]] = OrderedDict()
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def using(self, subject: str) -> AsyncIterator[Cell]:
        """The cell of `subject`, in turn with the other tasks that use it.

        Raises BusUnavailable where that, and what it is used for, takes longer than the bus's timeout: if NATS does not
        answer, those whose turn it is not do not wait once more each.
        """
        if subject not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.popitem(last=False)
            self._kept[subject] = (asyncio.Lock(), Cell(self._bus, subject))
        self._kept.move_to_end(subject)
        lock, cell = self._kept[subject]
        try:
            async with asyncio.timeout(self._bus.timeout), lock:
                cell.look()
                yield cell
        except TimeoutError as error:
            raise BusUnavailable(f"{subject} was not changed in {self._bus.timeout:g} s") from error
        if cell.shared and self._listening is None:
            self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        """Without it changes of others are read where they are met, and it is tried again there."""
        try:
            await self._bus.subscribe(subjects.LIMITS_CHANGED[1], self._hear)
        except Exception as error:
            log.warning("changes of limits are not heard: %r", error)
            self._listening = None

    def _hear(self, message: Msg) -> None:
        stored = Stored.of(message)
        if stored.subject in self._kept:
            self._kept[stored.subject][1].hear(stored.sequence, stored.data)


def expected(counted: int, left: int, ago: float) -> int:
    """How much to take together, of what was last taken so `ago` seconds ago and `left` of which was not used.

    As much as was used, twice as much where that was soon: what comes at a steady pace is taken about once a second.
    """
    return max(1, counted - left) * (2 if not left and ago < _SOON else 1)
