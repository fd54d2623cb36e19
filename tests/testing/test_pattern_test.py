"""A pattern is tested alone: what its steps give is said by the test, and everything else is as in production."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from pydantic import Field

from examples.debate.pattern import PATTERN, DebateRequest, JudgeInput, Round, Verdict
from penstock import Depends, Failure, Pattern, PatternRequest, Run, Step, StepContext, StepFailed, Transient, Wire
from penstock.document import LinearJSON, Shape
from penstock.testing import PatternTest, PatternTestFailed
from tests.authors.atlas import ATLAS, AtlasRequest
from tests.testing import impure

VERDICT = Verdict(winner="contra", reasoning="It stood.", open_questions=("How many?",))
DEBATE = PatternTest(PATTERN, {"argue": lambda given: f"{given.side} {len(given.heard)}", "judge": VERDICT})


async def test_the_result_is_typed_and_each_step_is_there_with_its_input() -> None:
    """In the order in which they were asked for; by default the pattern's example is run."""
    run = await DEBATE.run()
    assert run.result.verdict == VERDICT
    assert [*run.steps] == ["pro-1", "contra-1", "pro-2", "contra-2", "judge-1"]
    judged = run.steps["judge-1"]
    rounds = tuple(Round(pro=f"pro {number}", contra=f"contra {number}") for number in range(2))
    assert judged.input == JudgeInput(motion=PATTERN.example.motion, rounds=rounds)
    assert (judged.name, judged.into, judged.output, judged.failure) == ("judge", "/verdict", VERDICT, None)


async def test_the_prompt_of_a_step_is_what_its_model_would_be_asked() -> None:
    prompt = (await DEBATE.run()).steps["contra-2"].prompt
    system, _, user = prompt.partition("\n---\n")
    assert system.startswith("You are an advocate in a debate.")
    assert 'You argue "against" it.' in user
    assert "```text\npro 0\n```" in user


async def test_readers_see_the_result_grow_and_a_caller_of_plain_json_reads_it_in_order() -> None:
    run = await DEBATE.run(DebateRequest.model_validate({"motion": "x", "options": {"rounds": 1}}))
    assert run.text.startswith('{"rounds":[{"pro":"pro 0","contra":"contra 0"}],"verdict":{"winner":"contra",')
    assert PATTERN.result.model_validate_json(run.text) == run.result
    assert {"rounds": [{"pro": "pro "}]} in run.documents
    assert run.documents[-1] == run.result.model_dump(mode="json", by_alias=True)
    linear = LinearJSON(Shape.of(PATTERN.result))
    assert linear.feed(*run.events) == run.text


async def test_a_mapping_is_a_request_and_an_output_as_a_caller_and_a_model_would_send_them() -> None:
    given = {"judge": {"winner": "pro", "reasoning": "So.", "openQuestions": []}}
    run = await DEBATE.run({"motion": "x"}, given)
    assert run.result.verdict.winner == "pro"


async def test_what_is_said_of_a_key_comes_before_what_is_said_of_its_step() -> None:
    run = await DEBATE.run(None, {"contra-1": "Never!", "debate/argue": "Ever."})
    assert run.result.rounds == (Round(pro="Ever.", contra="Never!"), Round(pro="Ever.", contra="Ever."))


async def test_a_list_is_given_in_turn() -> None:
    run = await DEBATE.run(None, {"argue": ["a", "b", "c", "d"]})
    assert run.result.rounds == (Round(pro="a", contra="b"), Round(pro="c", contra="d"))


async def test_parts_have_their_own_steps_by_their_whole_keys() -> None:
    """Every replay of a pattern of patterns, with time and chance of its own, is the same."""
    run = await PatternTest(ATLAS, {"write": lambda given: f"about {given.subject}", "title": "Atlas"}).run(
        AtlasRequest(sea=("tides", "reefs"), land=("dunes",))
    )
    assert run.result
    assert run.replays > len(run.steps)


class Counted(Wire):
    number: int = Field(ge=0)


class Sum(Wire):
    total: int
    failed: tuple[str, ...] = ()


async def counters() -> AsyncIterator[list[str]]:
    opened.append("opened")
    yield opened
    opened.append("closed")


opened: list[str] = []


async def double(given: Counted, context: StepContext, counters: Annotated[list[str], Depends(counters)]) -> Counted:
    counters.append(context.key)
    return Counted(number=given.number * 2)


DOUBLE = Step(name="double", input=Counted, output=Counted, do=double)


async def total(run: Run, request: PatternRequest) -> Sum:
    doubled = await run.map(DOUBLE, [Counted(number=number) for number in range(3)], on_error="collect")
    failed = tuple(f"{one.step} {one.code}: {one.detail}" for one in doubled if isinstance(one, StepFailed))
    return Sum(total=sum(one.number for one in doubled if isinstance(one, Counted)), failed=failed)


TOTAL = Pattern(
    name="total",
    summary="",
    run=total,
    request=PatternRequest,
    result=Sum,
    steps=(DOUBLE,),
    example=PatternRequest(),
)


async def test_a_do_is_done_in_earnest_once_for_each_key_with_what_it_depends_on() -> None:
    """Its replays are answered by the journal, as in production."""
    opened.clear()
    run = await PatternTest(TOTAL, {"double": double}).run()
    assert (run.result.total, opened) == (6, ["opened", "double-1", "double-2", "double-3", "closed"])
    assert run.replays > 3


async def test_an_exception_is_how_a_step_fails() -> None:
    """A Failure and a Transient with their codes, any other as a `do` that raises it."""
    given = [Failure("tool_unavailable", "no"), Transient("model_unavailable", "not yet"), ValueError("what?")]
    run = await PatternTest(TOTAL, {"double": given}).run()
    assert run.result.failed == (
        "double-1 tool_unavailable: no",
        "double-2 model_unavailable: not yet",
        "double-3 step_error: ValueError('what?') in double",
    )
    assert run.steps["double-2"].failure == "model_unavailable"


async def test_a_job_that_fails_says_so() -> None:
    run = await DEBATE.run(None, {"judge": Failure("model_blocked", "no")})
    assert run.failure is not None
    assert run.failure.code == "model_blocked"
    assert run.text.startswith('{"rounds":[{"pro":"pro 0",')
    with pytest.raises(PatternTestFailed, match=r"the job failed: model_blocked: no \(step judge-1\)"):
        _ = run.result


async def test_a_function_of_the_test_that_breaks_is_no_failure_of_the_step() -> None:
    def wrong(given: Any) -> str:
        raise LookupError(given.motion)

    with pytest.raises(LookupError):
        await DEBATE.run(None, {"argue": wrong})


async def test_a_check_is_made_of_what_the_test_gives() -> None:
    checked = Step(
        name="write", input=impure.Asked, output=str, do=impure.write, check=lambda given, text: ("too short",)
    )

    async def write(run: Run, request: PatternRequest) -> Sum:
        await run.step(checked, impure.Asked(text="a"))
        return Sum(total=1)

    once = Pattern(
        name="once",
        summary="",
        run=write,
        request=PatternRequest,
        result=Sum,
        steps=(checked,),
        example=PatternRequest(),
    )
    with pytest.raises(PatternTestFailed, match=r"step `write-1` \(once/write\) is given does not pass its check: too"):
        await PatternTest(once, {"write": "words"}).run()


async def test_what_was_retracted_is_told() -> None:
    """A caller of plain JSON who had read of it is cut off there."""

    async def twice(run: Run, request: PatternRequest) -> impure.Words:
        await run.step(impure.WRITE, impure.Asked(text="a"), into="/words/0")
        run.retract("/words/0")
        return impure.Words(words=(await run.step(impure.WRITE, impure.Asked(text="b"), into="/words/0"),))

    run = await PatternTest(impure.pattern(twice), {"write": impure.write}).run()
    assert run.retracted == ("/words/0",)
    assert (run.text, run.cut_off) == ('{"words":["about a"', True)
    assert run.result.words == ("about b",)


async def test_what_a_failure_gives_up_may_be_done_in_another_order() -> None:
    """A failure that is caught: of the steps beside it, some are done, and some are given up."""

    async def caught(run: Run, request: PatternRequest) -> impure.Words:
        try:
            await run.map(impure.WRITE, [impure.Asked(text=text) for text in "abcd"])
        except StepFailed as failure:
            return impure.Words(words=(await run.step(impure.JUDGE, impure.Asked(text=failure.code)),))
        raise NotImplementedError

    given = {"write": impure.write, "write-2": Failure("model_blocked", "no"), "judge": impure.write}
    run = await PatternTest(impure.pattern(caught), given).run()
    assert run.result.words == ("about model_blocked",)
    assert [step.failure for step in run.steps.values()] == [None, "model_blocked", "abandoned", "abandoned", None]
    assert run.replays == 60


async def test_a_job_that_was_past_a_change_goes_on_as_it_began() -> None:
    async def changed(run: Run, request: PatternRequest) -> impure.Words:
        text = "new" if await run.patched("renamed") else "old"
        return impure.Words(words=(await run.step(impure.WRITE, impure.Asked(text=text), into="/words/0"),))

    test = PatternTest(impure.pattern(changed), {"write": impure.write})
    assert (await test.run()).result.words == ("about new",)
    assert (await test.run(unpatched=["renamed"])).result.words == ("about old",)


async def test_replays_are_as_many_as_asked_for() -> None:
    """From each beginning of the journal; of steps at work at once as many orders as are left."""
    alone = PatternTest(impure.pattern(impure.another_result), {"write": "A"})
    assert (await alone.run()).replays == 2
    for most in (0, 7, 60):
        assert (await PatternTest(TOTAL, {"double": double}, replays=most).run()).replays == most


def test_an_event_loop_of_the_tests_own_does_as_well() -> None:
    assert asyncio.run(DEBATE.run()).replays == 60
