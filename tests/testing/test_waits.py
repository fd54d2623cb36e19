"""Signals are given by the test, and time passes at once."""

import asyncio

import pytest

from penstock import PatternRequest, Run
from penstock.contracts.events import JobResumed, JobWaiting
from penstock.testing import PatternTest, PatternTestFailed
from tests.testing import impure
from tests.testing.waiting import Approved, Decision, pattern

TEST = PatternTest(pattern(), {"write": impure.write})


async def test_a_signal_that_is_given_ends_the_wait() -> None:
    run = await TEST.run(signals={"approval": Decision(approved=True, by="Ada")})
    assert run.result == Approved(text="about a", approved=True, waited=0)
    assert [event.type for event in run.events if isinstance(event, JobWaiting | JobResumed)] == [
        "job.waiting",
        "job.resumed",
    ]
    assert run.replays > 4


async def test_a_wait_in_vain_is_over_at_once_and_days_have_passed() -> None:
    run = await TEST.run()
    assert run.result == Approved(text="about a", approved=False, waited=90_000)


async def test_a_signal_without_a_timeout_that_is_not_given_is_named() -> None:
    async def patient(run: Run, request: PatternRequest) -> Approved:
        decision = await run.wait("approval", Decision)
        return Approved(text=decision.by, approved=True, waited=0)

    with pytest.raises(
        PatternTestFailed, match=r"waits for the signal 'approval' without a timeout, and the test does"
    ):
        await PatternTest(pattern(patient)).run()


async def test_a_signal_that_does_not_fit_is_named() -> None:
    with pytest.raises(
        PatternTestFailed, match="what the signal 'approval' is given does not fit: /by: Field required"
    ):
        await TEST.run(signals={"approval": {"approved": True}})


async def test_who_is_first_of_a_signal_and_a_step_decides_nothing() -> None:
    """Both orders are tried: a pattern in which it does is found out."""

    async def hasty(run: Run, request: PatternRequest) -> Approved:
        said: list[str] = []

        async def write() -> None:
            said.append(await run.step(impure.WRITE, impure.Asked(text="a")))

        async def wait() -> None:
            said.append((await run.wait("approval", Decision)).by)

        await asyncio.gather(write(), wait())
        return Approved(text=said[0], approved=True, waited=0)

    given = {"approval": Decision(approved=True, by="Ada")}
    with pytest.raises(
        PatternTestFailed, match=r"another one \(/text was 'about a', and is 'Ada'\) when steps at work"
    ):
        await PatternTest(pattern(hasty), {"write": impure.write}, signals=given).run()
