"""The rate of each caller, exact over all gateways (docs/adr/0023)."""

from penstock.callers.rate import Rate, Standing, Used
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.cells import Cells


class RateLimit:
    """Lets requests through, or not, by what all gateways have let through.

    A request that is let through is one message to NATS, and its answer decides. One that is refused is none, as long
    as this gateway knows that the window is full: it gets no emptier but with time.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus, self._cells = bus, Cells(bus)

    async def take(self, caller: str, rate: Rate) -> Standing:
        """One request of the caller, who is named by one token. Raises BusUnavailable: it may count.

        Where NATS's answer was lost, and came when asked again, the request counts twice.
        """
        async with self._cells.using(subjects.rate(caller)) as cell:
            while True:
                now = self._bus.time.now()
                used = Used.read(cell.data).within(rate, now)
                if used.count >= rate.requests:
                    return Standing(rate, admitted=False, remaining=0, reset=used.next_free(rate, now))
                used = used.and_one(rate, now)
                if await cell.swap(used.written(), life=rate.seconds + 1):
                    left = rate.requests - used.count
                    return Standing(rate, admitted=True, remaining=left, reset=used.next_free(rate, now))
