"""That most of a budget is spent is told once: in the log, and to the webhook that the settings name."""

import logging
from datetime import UTC, datetime

from penstock.budgets.pots import Pot
from penstock.contracts.webhook import BudgetWarning, BudgetWarningBody, Hook
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.counters import add, value

log = logging.getLogger(__name__)

#: Part of a budget whose spending is told.
NEARLY = 0.8


async def warn(bus: Bus, pot: Pot, spent: int, url: str | None) -> None:
    """After each call from a budget. Nothing is told of a job's: who submitted it is told its end.

    It is told by whoever finds first that it is not yet, so a process that is killed on the way leaves it to the next
    call. Those that find it at once queue one message: it has its subject and, for two minutes, its id to itself.
    """
    if pot.window is None or spent < NEARLY * pot.limit or await value(bus, pot.warned):
        return
    if url is not None:
        warning = BudgetWarning(
            tenant=pot.tenant,
            budget="key" if pot.key else "tenant",
            key=pot.key,
            unit=pot.unit,
            window=pot.window,
            spent=pot.told(spent),
            limit=pot.told(pot.limit),
        )
        body = BudgetWarningBody(timestamp=datetime.fromtimestamp(bus.time.now(), UTC), data=warning)
        subject = subjects.budget_hook(pot.tenant, pot.key, pot.unit, pot.window)
        hook = Hook(url=url, body=body).model_dump_json().encode()
        await bus.once(subject, hook, headers={"Nats-Msg-Id": subject})
    if await add(bus, pot.warned, 1) == 1:
        log.warning("%s is nearly spent: %s of %s", pot.whose, pot.shown(spent), pot.shown(pot.limit))
