"""`/dead-letters`: messages that could not be handled, to be replayed or purged."""

import asyncio
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Query

from penstock.contracts.problem import FieldError
from penstock.contracts.wire import Tolerant
from penstock.jobs.dead_letters import DeadLetter, DeadLetterPage, DeadLetters
from penstock_gateway import openapi
from penstock_gateway.problems import invalid_parameter
from penstock_gateway.state import Gateway
from penstock_gateway.tenancy import FOR_ADMINS

#: Letters that are removed at once.
_AT_ONCE = 32
Number = Annotated[int, Path(ge=1, lt=2**63, description="As the list has it.")]
Reason = Annotated[str | None, Query(description="Only letters with this reason, such as poisoned.")]
Subject = Annotated[
    str,
    Query(
        pattern=r"^[^\s.]+(\.[^\s.]+)*$", description="Only letters from these subjects, such as `jobs.*.routing.*`."
    ),
]


class ShownDeadLetter(Tolerant, DeadLetter):
    """With what it is a copy of, as text."""

    content: str


class Replayed(Tolerant):
    """What became of a letter: the job it is now, and whether that is new; of a webhook, whose end is sent again."""

    number: int
    job: str
    new: bool


class Purged(Tolerant):
    purged: int


def install(app: FastAPI, gateway: Gateway) -> None:
    routes = APIRouter(prefix="/dead-letters", tags=["operations"], dependencies=[FOR_ADMINS])
    of_one = openapi.problems("unknown_dead_letter")

    @routes.get("", summary="List dead letters", operation_id="deadLetters", responses=openapi.problems())
    async def listed(
        subject: Subject = ">",
        reason: Reason = None,
        limit: Annotated[int, Query(ge=1, le=100, description="At most so many letters.")] = 20,
        cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next` of the page before.")] = None,
    ) -> DeadLetterPage:
        """Messages that could not be handled, newest first, without what they are copies of.

        Work is bounded: a page may have fewer letters than `limit`, even none, and still a `next`.
        """
        async with gateway.listing:
            at = int(cursor) if cursor else None
            return await DeadLetters(gateway.bus).page(subject=subject, reason=reason, limit=limit, cursor=at)

    @routes.get("/{number}", summary="Look at a dead letter", operation_id="deadLetter", responses=of_one)
    async def shown(number: Number) -> ShownDeadLetter:
        letter = await DeadLetters(gateway.bus).get(number)
        return ShownDeadLetter.model_construct(**dict(letter), content=letter.body.decode(errors="replace"))

    @routes.post(
        "/{number}/replay",
        summary="Replay a dead letter",
        operation_id="replayDeadLetter",
        responses=openapi.problems("unknown_dead_letter", "not_replayable", "no_room"),
    )
    async def replay(
        number: Number,
        whole_job: Annotated[bool, Query(alias="wholeJob", description="Of a dead step: run its whole job again.")] = (
            False
        ),
    ) -> Replayed:
        """Submit a dead job again, under a new id, or have a dead webhook sent again. The letter stays.

        A second replay finds the job of the first.
        """
        letters = DeadLetters(gateway.bus)
        job, new = await letters.replay(await letters.get(number), whole_job=whole_job)
        return Replayed(number=number, job=job, new=new)

    @routes.delete("/{number}", summary="Remove a dead letter", operation_id="purgeDeadLetter", responses=of_one)
    async def purge(number: Number) -> Purged:
        """Only the letter: its job stays as it is."""
        letters = DeadLetters(gateway.bus)
        await letters.purge(await letters.get(number))
        return Purged(purged=1)

    @routes.delete("", summary="Remove dead letters", operation_id="purgeDeadLetters", responses=openapi.problems())
    async def purge_several(subject: Subject | None = None, reason: Reason = None) -> Purged:
        """Those with a reason, or from subjects; of all, `subject` is `>`. Without either it is refused."""
        if subject is None and reason is None:
            raise invalid_parameter(
                FieldError(pointer="/query/subject", detail="subject or reason is needed; `>` is all")
            )
        letters, purged, free = DeadLetters(gateway.bus), 0, asyncio.Semaphore(_AT_ONCE)
        async with gateway.listing, asyncio.TaskGroup() as removing:

            async def remove(letter: DeadLetter) -> None:
                try:
                    await letters.purge(letter)
                finally:
                    free.release()

            async with aclosing(letters.all(subject=subject or ">", reason=reason)) as found:
                async for letter in found:
                    await free.acquire()
                    removing.create_task(remove(letter.model_copy(update={"body": b""})))
                    purged += 1
        return Purged(purged=purged)

    app.include_router(routes)
