"""What one call holds of the budgets that it is paid from, from before it is made to its settlement."""

import asyncio
import logging
from collections.abc import Callable
from math import inf

from penstock.backoff import delay
from penstock.budgets.pots import Pot
from penstock.budgets.warning import warn
from penstock.contracts.usage import Usage
from penstock.jetstream.bus import Bus
from penstock.jetstream.counters import add, value
from penstock.jetstream.pull import lending
from penstock.llm.limits.turns import Crowded

log = logging.getLogger(__name__)

#: Output tokens that a call gets at least, and that it does not share with others, if there are so many.
_LEAST, _UNSHARED = 1_024, 8_192
#: A call holds this part of what is left, or `_UNSHARED`: others are to be paid from it as well.
_SHARE = 8
#: Seconds between two looks.
_FIRST, _LONGEST = 0.1, 2.0


class Holding:
    """Of a call with `question` tokens to `model`. `begun`: whether its step has.

    `patience`: seconds that it waits while no other call spends or gives back anything.
    """

    def __init__(self, bus: Bus, question: int, model: str, *, patience: float, begun: bool) -> None:
        self._bus, self._question, self._model = bus, question, model
        self._patience, self._begun = patience, begun
        self._held: dict[Pot, int] = {}
        #: The latest addition: it goes on where its call is cancelled meanwhile.
        self._adding: asyncio.Task[int] | None = None

    def __bool__(self) -> bool:
        """Whether there is, or may be, something to settle."""
        return self._adding is not None

    async def hold(self, pot: Pot, most: int) -> int:
        """Hold the most that the call can cost, once there is room, and return its output limit: `most` or less."""
        waiting = _Waiting(pot, self._cost_in(pot), most, self._patience)
        if (output := await self._try(waiting)) is not None:
            return output
        # others may hold the rest for as long as a model takes: that is to keep nobody else's steps waiting
        with lending(begun=self._begun) as lent:
            if not (lent or self._begun):
                raise Crowded
            while output is None:
                await asyncio.sleep(waiting.pause())
                output = await self._try(waiting)
        return output

    async def settle(self, used: Usage, webhook: str | None) -> None:
        """What is used is spent, the rest given back. A call that is unmetered has cost all it held.

        What NATS refuses of one budget keeps nothing of the others held.
        """
        if self._adding is not None:
            await asyncio.gather(self._adding, return_exceptions=True)
        await asyncio.gather(*(self._settle(pot, held, used, webhook) for pot, held in self._held.items()))

    async def _try(self, waiting: "_Waiting") -> int | None:
        """None where too little is left of what others hold."""
        pot, cost, most, least = waiting.pot, waiting.cost, waiting.most, waiting.least
        spent, in_use = await value(self._bus, pot.spent), await value(self._bus, pot.held)
        if spent + cost(least) > pot.limit:
            raise pot.exceeded(f"{pot.shown(spent)} are spent, and the call may need {pot.shown(cost(least))}")
        share = min(most, max(_UNSHARED, _affordable((pot.limit - in_use) // _SHARE, cost, most)))
        wanted = cost(share)
        over = await self._add(pot, wanted) - pot.limit
        output = share if over <= 0 else _affordable(wanted - over, cost, share)
        if output < least:
            await self._add(pot, -wanted)
            waiting.seen(spent, in_use)
            return None
        if output < share:
            await self._add(pot, cost(output) - wanted)
        return output

    async def _add(self, pot: Pot, amount: int) -> int:
        async def adding() -> int:
            total = await add(self._bus, pot.held, amount)
            self._held[pot] = self._held.get(pot, 0) + amount
            return total

        self._adding = asyncio.create_task(adding())
        return await asyncio.shield(self._adding)

    async def _settle(self, pot: Pot, held: int, used: Usage, webhook: str | None) -> None:
        cost = pot.amount(used, self._model) if not used.unmetered else None
        actual = held if cost is None else cost
        try:
            if actual != held:
                await add(self._bus, pot.held, actual - held)
            spent = await add(self._bus, pot.spent, actual) if actual else 0
        except Exception as error:
            log.warning("what a call did not spend of %s stays held: %s", pot.whose, error)
            return
        try:
            if actual:
                await warn(self._bus, pot, spent, webhook)
        except Exception as error:
            log.warning("that most of %s is spent is told after the next call: %s", pot.whose, error)

    def _cost_in(self, pot: Pot) -> Callable[[int], int]:
        def cost(output: int) -> int:
            amount = pot.amount(Usage(prompt_tokens=self._question, output_tokens=output), self._model)
            if amount is None:
                raise pot.exceeded(f"the price of {self._model} is not known")
            return amount

        return cost


class _Waiting:
    """For a part of what others hold of a pot."""

    def __init__(self, pot: Pot, cost: Callable[[int], int], most: int, patience: float) -> None:
        self.pot, self.cost, self.most, self.least = pot, cost, most, min(most, _LEAST)
        self._patience, self._tries = patience, 0
        self._spent, self._lowest, self._since = -1, inf, inf

    def seen(self, spent: int, in_use: int) -> None:
        """Raises Failure where nobody spends or gives back anything for too long.

        Others that wait make more of what is in use for a moment, never less.
        """
        now = asyncio.get_running_loop().time()
        if spent > self._spent or in_use < self._lowest:
            self._spent, self._lowest, self._since = spent, in_use, now
        elif now - self._since > self._patience:
            shown = self.pot.shown(spent)
            raise self.pot.exceeded(f"{shown} are spent, and the rest is held by calls that do not end")

    def pause(self) -> float:
        self._tries += 1
        return delay(self._tries, first=_FIRST, longest=_LONGEST)


def _affordable(amount: int, cost: Callable[[int], int], most: int) -> int:
    """The most output tokens up to `most` that `amount` pays for, with the question; -1 if not even that."""
    low, high = -1, most
    while low < high:
        middle = (low + high + 1) // 2
        if cost(middle) <= amount:
            low = middle
        else:
            high = middle - 1
    return low
