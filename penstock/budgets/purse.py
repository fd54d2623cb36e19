"""Paying for calls out of budgets that many processes pay from at once, so that none is overrun.

A call holds the most it can cost: an upper bound of its prompt's tokens, and an output limit, which is passed to the
model. What it holds is added to a counter, whose sum decides: what is over the limit comes off the output limit, or, if
that leaves too little, the call waits for others to spend less than they hold. Afterwards the difference is given back.
By the order of the additions the sum of what is held is never above the limit, and no call spends more than it holds.

What a process held that was killed counts as spent. A job's next attempt holds anew.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from math import inf
from typing import Any

from pydantic import BaseModel

from penstock.backoff import delay
from penstock.budgets.pots import Pot
from penstock.budgets.warning import warn
from penstock.contracts.prompt import Prompt
from penstock.contracts.tool import Declaration, Tool
from penstock.contracts.turns import TextPiece, ToolCall
from penstock.contracts.usage import Usage
from penstock.errors import BusUnavailable
from penstock.jetstream.bus import Bus
from penstock.jetstream.counters import add, value
from penstock.llm.ask import Door
from penstock.llm.request import config_of, contents_of
from penstock.llm.selector import Asked
from penstock.llm.usage import Meter
from penstock.settings import Models

log = logging.getLogger(__name__)

#: Output tokens that a call gets at least, and that it does not share with others, if there are so many.
_LEAST, _UNSHARED = 1_024, 8_192
#: A call holds this part of what is left, or `_UNSHARED`: others are to be paid from it as well.
_SHARE = 8
#: Seconds for which a call waits while no other spends or gives back anything: those that hold the rest may be dead.
_PATIENCE = 60.0
#: Seconds between two looks.
_FIRST, _LONGEST = 0.1, 2.0
#: Seconds that a call which is cut short takes to give back what it holds, if NATS does not answer.
_PARTING = 0.3
#: What is not text does not count.
_NO_SETTINGS = Models.model_construct()


class Purse:
    """What one attempt's calls are paid from; without pots it pays anything. `webhook`: what warnings are sent to."""

    def __init__(self, bus: Bus, pots: Sequence[Pot], webhook: str | None = None) -> None:
        self._bus, self._pots, self._webhook = bus, pots, webhook
        self._settling: set[asyncio.Task[None]] = set()

    def around(self, door: Door, most: int) -> "Paying":
        """The same, whose calls are paid. `most`: output tokens of one."""
        return Paying(door, self, most)

    @asynccontextmanager
    async def paying(self, question: int, most: int, model: str, meter: Meter) -> AsyncIterator[int]:
        """Within it a call of at most `question` tokens may be made, with the output limit given: `most` or less.

        `meter` is that call's. Raises Failure("budget_exceeded") where too little is left, or a model's price is not
        known and a budget is one of money.
        """
        held = list[tuple[Pot, int]]()
        hurried = True
        try:
            for pot in self._pots:
                most = await self._hold(pot, question, most, model, held)
            yield most
            hurried = False
        except Exception as error:
            hurried = isinstance(error, BusUnavailable)
            raise
        finally:
            if held:
                settling = asyncio.create_task(self._settle(held, meter.usage, model))
                self._settling.add(settling)
                settling.add_done_callback(self._settled)
                await asyncio.wait({settling}, timeout=_PARTING if hurried else None)

    async def _hold(self, pot: Pot, question: int, most: int, model: str, held: list[tuple[Pot, int]]) -> int:
        """Hold the most that a call can cost, once there is room, and return its output limit."""

        def cost(output: int) -> int:
            amount = pot.amount(Usage(prompt_tokens=question, output_tokens=output), model)
            if amount is None:
                raise pot.exceeded(f"the price of {model} is not known")
            return amount

        least, tries, seen, since = min(most, _LEAST), 0, (-1, -1), inf
        now = asyncio.get_running_loop().time
        while True:
            spent, in_use = await value(self._bus, pot.spent), await value(self._bus, pot.held)
            if spent + cost(least) > pot.limit:
                raise pot.exceeded(f"{pot.shown(spent)} are spent, and the call may need {pot.shown(cost(least))}")
            share = min(most, max(_UNSHARED, _affordable((pot.limit - in_use) // _SHARE, cost, most)))
            wanted = cost(share)
            over = await add(self._bus, pot.held, wanted) - pot.limit
            output = share if over <= 0 else _affordable(wanted - over, cost, share)
            if output >= least:
                held.append((pot, cost(output)))
                if output < share:
                    await add(self._bus, pot.held, cost(output) - wanted)
                return output
            await add(self._bus, pot.held, -wanted)
            if (spent, in_use) != seen:
                seen, since = (spent, in_use), now()
            elif now() - since > _PATIENCE:
                raise pot.exceeded(f"{pot.shown(spent)} are spent, and the rest is held by calls that do not end")
            tries += 1
            await asyncio.sleep(delay(tries, first=_FIRST, longest=_LONGEST))

    async def _settle(self, held: list[tuple[Pot, int]], used: Usage, model: str) -> None:
        """What is used is spent, the rest given back. A call that is unmetered has cost all it held."""
        for pot, amount in held:
            cost = pot.amount(used, model) if not used.unmetered else None
            actual = amount if cost is None else cost
            if actual != amount:
                await add(self._bus, pot.held, actual - amount)
            if actual:
                await warn(self._bus, pot, await add(self._bus, pot.spent, actual), self._webhook)

    def _settled(self, settling: asyncio.Task[None]) -> None:
        self._settling.discard(settling)
        if not settling.cancelled() and (error := settling.exception()) is not None:
            log.warning("what a call did not spend stays held: %s", error)


class Paying:
    """What `Purse.around` gives."""

    def __init__(self, door: Door, purse: Purse, most: int) -> None:
        self._door, self._purse, self._most = door, purse, most
        self.identity = door.identity

    async def stream(
        self,
        prompt: Prompt,
        *,
        asked: Asked,
        output: type[BaseModel] | type[str] = str,
        tools: Sequence[Tool[Any, Any] | Declaration] = (),
        meter: Meter,
        **how: Any,
    ) -> AsyncGenerator[TextPiece | ToolCall, None]:
        """As that of Llm does. Raises Failure("budget_exceeded") as well, before anything is asked."""
        own = Meter()
        how |= {"asked": asked, "output": output, "tools": tools, "meter": own}
        try:
            async with (
                self._purse.paying(_most_tokens(prompt, output, tools, asked), self._most, asked.model, own) as allowed,
                aclosing(self._door.stream(prompt, max_output_tokens=allowed, **how)) as pieces,
            ):
                async for piece in pieces:
                    yield piece
        finally:
            meter.include(own)


def _most_tokens(prompt: Prompt, output: type[BaseModel] | type[str], tools: Sequence[Any], asked: Asked) -> int:
    """No tokenizer makes more tokens of a text than it has bytes; schema and tools are part of what is read."""
    config = config_of(prompt, output=output, tools=tools, asked=asked, settings=_NO_SETTINGS, headers={})
    sent = (*contents_of(prompt), config)
    return sum(len(one.model_dump_json(exclude_none=True).encode()) for one in sent)


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
