"""Paying for calls out of budgets that many processes pay from at once, so that none is overrun.

A call holds the most it can cost: an upper bound of its prompt's tokens, and an output limit, which is passed to the
model. What it holds is added to a counter, whose sum decides: what is over the limit comes off the output limit, or, if
that leaves too little, the call waits for others to spend less than they hold. Afterwards the difference is given back.
By the order of the additions the sum of what is held is never above the limit, and no call spends more than it holds.

What a process held that was killed counts as spent. A job's next attempt holds anew.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from pydantic import BaseModel

from penstock.budgets.holding import Holding
from penstock.budgets.pots import Pot
from penstock.contracts.prompt import Prompt
from penstock.contracts.tool import Declaration, Tool
from penstock.contracts.turns import TextPiece, ToolCall
from penstock.contracts.usage import Usage
from penstock.errors import BusUnavailable, Failure, OutputTruncated
from penstock.jetstream.bus import Bus
from penstock.jetstream.counters import value
from penstock.llm.ask import Door
from penstock.llm.selector import Asked
from penstock.llm.usage import Meter

#: Seconds for which a call waits, beyond those that any may take, while no other spends or gives back anything: those
#: that hold the rest may be dead.
_PATIENCE = 60.0
#: Seconds that a call which is cut short takes to give back what it holds, if NATS does not answer.
_PARTING = 0.3


class Purse:
    """What one attempt's calls are paid from; without pots it pays anything. `webhook`: what warnings are sent to.

    `longest`: seconds that a call may take, and so be without a sign that it goes on.
    """

    def __init__(self, bus: Bus, pots: Sequence[Pot], webhook: str | None = None, *, longest: float = 0.0) -> None:
        self._bus, self._pots, self._webhook, self._patience = bus, pots, webhook, _PATIENCE + longest
        self._settling: set[asyncio.Task[None]] = set()

    def around(self, door: Door, most: int) -> "Paying":
        """The same, whose calls are paid. `most`: output tokens of one."""
        return Paying(door, self, most)

    @asynccontextmanager
    async def paying(
        self, question: int, most: int, model: str, meter: Meter, *, begun: bool = True
    ) -> AsyncIterator[int]:
        """Within it a call of at most `question` tokens may be made, with the output limit given: `most` or less.

        `meter` is that call's. While it waits, the slot of the step that makes it is another's; where too many wait
        already, Crowded is raised if the step has not `begun`. Raises Failure("budget_exceeded") where too little is
        left, or a model's price is not known and a budget is one of money.
        """
        holding = Holding(self._bus, question, model, patience=self._patience, begun=begun)
        hurried = True
        try:
            for pot in self._pots:
                most = await holding.hold(pot, most)
            yield most
            hurried = False
        except Exception as error:
            hurried = isinstance(error, BusUnavailable)
            raise
        finally:
            if holding:
                settling = asyncio.create_task(holding.settle(meter.usage, self._webhook))
                self._settling.add(settling)
                settling.add_done_callback(self._settling.discard)
                await asyncio.wait({settling}, timeout=_PARTING if hurried else None)

    async def pays(self, question: int, most: int, model: str) -> bool:
        """Whether what is left, of what nobody holds, would pay for such a call once more."""
        more = Usage(prompt_tokens=question, output_tokens=most)
        for pot in self._pots:
            amount = pot.amount(more, model)
            if amount is None or await value(self._bus, pot.held) + amount > pot.limit:
                return False
        return True


class Paying:
    """What `Purse.around` gives."""

    def __init__(self, door: Door, purse: Purse, most: int) -> None:
        self._door, self._purse, self._most = door, purse, most
        self._begun = False
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
            # no tokenizer makes more tokens of a text than it has bytes; schema and tools are part of what is read
            question = len(self._door.identity(prompt, asked=asked, output=output, tools=tools))
            async with self._purse.paying(question, self._most, asked.model, own, begun=self._begun) as allowed:
                self._begun = True
                async with aclosing(self._door.stream(prompt, max_output_tokens=allowed, **how)) as pieces:
                    try:
                        async for piece in pieces:
                            yield piece
                    except OutputTruncated as error:
                        if allowed == self._most or await self._purse.pays(question, allowed, asked.model):
                            raise
                        # asked again, it would be cut off sooner, and paid for
                        cut_off = f"the budgets paid for a reply of {allowed:,} tokens, and it was not at its end"
                        raise Failure("budget_exceeded", cut_off) from error
        finally:
            meter.include(own)
