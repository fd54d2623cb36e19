"""A pattern of its own, so that its recorded replies do not change with the prompts of the patterns that are served."""

from typing import Literal

from penstock import Pattern, PatternRequest, Run, Step, Wire


class TicketsRequest(PatternRequest):
    ticket: str


class Ticket(Wire):
    ticket: str


class Sorted(Wire):
    reason: str
    team: Literal["billing", "network", "desk"]


SORT = Step(name="sort-ticket", input=Ticket, output=Sorted)


async def tickets(run: Run, request: TicketsRequest) -> Sorted:
    return await run.step(SORT, Ticket(ticket=request.ticket), into="")


PATTERN = Pattern(
    name="tickets",
    summary="Sort a ticket.",
    run=tickets,
    request=TicketsRequest,
    result=Sorted,
    steps=(SORT,),
    example=TicketsRequest(ticket="The Wi-Fi on floor 3 is down."),
)
