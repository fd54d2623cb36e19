"""Each kind of mistake fails the test of a pattern with a sentence that names the step and says what to do."""

import re
from typing import Any

import pytest

from penstock.errors import PatternMistake
from penstock.pattern import Pattern
from penstock.testing import PatternTest, PatternTestFailed
from tests.testing import impure
from tests.testing.impure import pattern

GIVEN = {"write": impure.write, "judge": lambda asked: f"judged {asked.text}"}


async def sentence(tested: Pattern[Any, Any], steps: dict[str, Any] | None = None, **options: Any) -> str:
    with pytest.raises(PatternTestFailed) as failed:
        await PatternTest(tested, steps or GIVEN, **options).run()
    return str(failed.value)


async def test_an_id_that_is_new_in_each_replay() -> None:
    said = await sentence(pattern(impure.an_id_of_its_own))
    was = re.search(r"/text was '([0-9a-f-]{36})', and is '([0-9a-f-]{36})'", said)
    assert was is not None
    assert was[1] != was[2]
    assert said.startswith("step `judge-1` of an-id-of-its-own was asked with another input (/text was ")
    assert said.endswith(
        ") on replay, with 2 of 2 facts in the journal: a pattern may depend on its request and its steps' outputs "
        "only: use run.uuid(), run.random() and run.now(), sort sets, and do what else differs in a step"
    )


async def test_the_clock_in_an_input() -> None:
    said = await sentence(pattern(impure.the_clock))
    assert re.match(r"step `write-1` of the-clock was asked with another input \(/at was 1[\d.]+, and is 1", said)


async def test_chance_in_the_result() -> None:
    said = await sentence(pattern(impure.a_draw))
    assert re.match(r"the result was another one \(/words/1 was 'number 0[\d.]+', and is 'number ", said)


async def test_chance_in_what_is_asked_for() -> None:
    said = await sentence(pattern(impure.a_draw_of_steps))
    assert re.match(
        r"step `write-\d+` of a-draw-of-steps was asked for, as it was not before, on replay, with \d+ of ", said
    )


async def test_a_step_without_a_key_in_branches_that_go_on_at_once() -> None:
    """It takes another order to show it."""
    said = await sentence(pattern(impure.no_key))
    assert said == (
        "step `judge-1` of no-key was asked with another input (/text was 'about a', and is 'about b') when steps at "
        "work at once ended in another order: give the steps of branches that go on at the same time keys of their "
        "own, key=…, and let no order decide"
    )


async def test_an_order_that_decides_the_result() -> None:
    said = await sentence(pattern(impure.whoever_is_first))
    assert said.startswith("the result was another one (/words/0 was 'about a', and is 'about c') when steps at work")


async def test_a_step_that_the_test_does_not_know() -> None:
    said = await sentence(pattern(impure.an_id_of_its_own), {"write": "words"})
    assert said == (
        "step `judge-1` (an-id-of-its-own/judge) is asked, and the test does not say what it gives: "
        "steps={'judge': …} with a text, or write itself to have it done"
    )


async def test_a_list_that_is_too_short() -> None:
    said = await sentence(pattern(impure.no_key), {"write": ["one"], "judge": "well"})
    assert said == "step `write-b` (no-key/write) is asked, and the list of 'write' has 1 outputs only"


async def test_an_output_that_does_not_fit() -> None:
    said = await sentence(pattern(impure.the_clock), {"write": {"words": 3}})
    assert said == (
        "the output that step `write-1` (the-clock/write) is given does not fit: "
        "it is {'words': 3}, where a text is expected"
    )


async def test_a_result_that_is_not_what_was_streamed() -> None:
    """As in production, the pattern's own mistakes are raised, with their place."""
    with pytest.raises(PatternMistake, match="at '/words/0' it streamed 'about a' and returned 'ABOUT A'; return what"):
        await PatternTest(pattern(impure.another_result), GIVEN).run()


async def test_a_wait_for_what_is_no_step() -> None:
    said = await sentence(pattern(impure.waits_for_ever), patience=0.01)
    assert said == (
        "waits-for-ever is still waiting for what is no step of it, and nothing is at work: "
        "after a crash it would wait again"
    )
