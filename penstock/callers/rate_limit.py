"""The rate of each caller, exact over all gateways (docs/adr/0023)."""

from collections import OrderedDict
from dataclasses import dataclass

from penstock.callers.rate import Rate, Standing, Used
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.cells import Cells, expected

#: Seconds for which requests are counted before they come, at most, and parts of the window.
_AHEAD, _PARTS = 1.0, 64
#: Of what is left this part, at most, is counted before it comes: what one gateway has ahead others can not use.
_SHARE = 64
#: Seconds for which it is kept how many came, and callers of whom it is.
_REMEMBERED, _KEPT = 10.0, 10_000


@dataclass(slots=True)
class _Ahead:
    """Requests that were counted together at `since`, of which `left` have not come; they may until `until`."""

    rate: Rate
    used: Used
    since: float
    until: float
    counted: int
    left: int


class RateLimit:
    """Lets requests through, or not, by what all gateways have let through.

    A request that is let through is one message to NATS, and its answer decides. Of a caller who sends many, and may
    send many more, several are counted at once, as late as the last of them may come. One that is refused is no
    message, as long as this gateway knows that the window is full: it gets no emptier but with time.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus, self._cells = bus, Cells(bus)
        self._ahead: OrderedDict[str, _Ahead] = OrderedDict()

    async def take(self, caller: str, rate: Rate) -> Standing:
        """One request of the caller, who is named by one token. Raises BusUnavailable: it may count.

        Where NATS's answer was lost, and came when asked again, the request counts twice.
        """
        if (standing := self._counted_before(caller, rate)) is not None:
            return standing
        async with self._cells.using(subjects.rate(caller)) as cell:
            # others waited for the same, and it was counted for this one too
            if (standing := self._counted_before(caller, rate)) is not None:
                return standing
            ahead, many = self._ahead.get(caller), self._expected(caller)
            while True:
                now = self._bus.time.now()
                used = Used.read(cell.data)
                # what has left the window is nobody's to give back: its place there is another gateway's
                if ahead is not None and ahead.left and ahead.until > now - rate.seconds + _AHEAD:
                    used = used.without(ahead.left, ahead.used.taken[-1][0])
                used = used.within(rate, now)
                free = rate.requests - used.count
                if free <= 0:
                    return Standing(rate, admitted=False, remaining=0, reset=used.next_free(rate, now))
                many = max(1, min(free // _SHARE, many))
                until = now if many == 1 else now + min(_AHEAD, rate.seconds / _PARTS)
                used = used.with_more(many, rate, until)
                # given back at one try only: what is found instead may be this one's own, whose answer was lost
                self._ahead.pop(caller, None)
                ahead = None
                if await cell.swap(used.written(), life=until - now + rate.seconds + 1):
                    self._keep(caller, _Ahead(rate, used, now, until, many, many))
                    return self._one_of(self._ahead[caller], now)

    def _counted_before(self, caller: str, rate: Rate) -> Standing | None:
        ahead, now = self._ahead.get(caller), self._bus.time.now()
        if ahead is None or not ahead.left or ahead.rate != rate or now > ahead.until:
            return None
        return self._one_of(ahead, now)

    def _one_of(self, ahead: _Ahead, now: float) -> Standing:
        ahead.left -= 1
        rate, used = ahead.rate, ahead.used
        remaining = rate.requests - used.count + ahead.left
        return Standing(rate, admitted=True, remaining=remaining, reset=used.next_free(rate, now))

    def _expected(self, caller: str) -> int:
        ahead, now = self._ahead.get(caller), self._bus.time.now()
        if ahead is None or now - ahead.since > _REMEMBERED:
            return 1
        return expected(ahead.counted, ahead.left, now - ahead.since)

    def _keep(self, caller: str, ahead: _Ahead) -> None:
        self._ahead[caller] = ahead
        if len(self._ahead) > _KEPT:
            self._ahead.popitem(last=False)
