"""The part of a process that delivers webhooks: slots of its own, so that slow receivers hold up nothing else."""

from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.pull import PullGroup
from penstock.settings import Settings
from penstock.webhooks.admission import policy
from penstock.webhooks.delivery import HookHandler
from penstock.webhooks.transport import Transport

#: Seconds that running deliveries get at most at the end of a process, on top of the grace that its jobs
#: had; what is cut off is sent again by another.
_LONGEST_GRACE = 5.0


class Dispatcher:
    """Consumes HOOKS from `start` to `stop`."""

    def __init__(self, bus: Bus, settings: Settings) -> None:
        self._bus, self._grace = bus, min(_LONGEST_GRACE, settings.grace)
        self._group = PullGroup(slots=settings.webhook_slots, ack_wait=settings.ack_wait)
        self._transport = Transport(policy(settings), timeout=settings.webhook_timeout)
        self._handler = HookHandler(bus=bus, transport=self._transport, settings=settings)

    async def start(self) -> None:
        self._bus.on_reconnect(self._group.reconnected)
        await self._group.consume(self._bus.connection, subjects.HOOKS, subjects.HOOKS_CONSUMER, self._handler.handle)

    async def stop(self) -> None:
        await self._group.stop(self._grace)
        await self._transport.aclose()
