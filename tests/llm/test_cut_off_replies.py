"""Replies that reach the output limit: asked for again, with less thinking, of the tier above, or in the end not."""

import pytest

from penstock.errors import OutputTruncated
from penstock.llm.client import Llm
from penstock.llm.selector import Asked
from tests.llm.asking import PROMPT, asker, at
from tests.llm.wire import Wire, said
from tests.support.simulator import Steering


async def test_a_reply_cut_off_is_asked_for_again_in_the_same_words_with_less_thinking() -> None:
    async with Wire([said("half", "MAX_TOKENS"), said("all of it")]) as wire, at(wire.url) as llm:
        model = asker(llm)
        assert await model.text(PROMPT, stream=True) == "all of it"
    first, again = (asked.body for asked in wire.asked)
    assert again["contents"] == first["contents"], "to ask for less would be to lose what was to be said"
    levels = [body["generationConfig"].pop("thinkingConfig")["thinking_level"] for body in (first, again)]
    assert levels == ["MEDIUM", "LOW"]
    assert first["generationConfig"] == again["generationConfig"] == {"maxOutputTokens": 65_536}
    assert model.usage.calls == 2


async def test_only_a_step_that_says_so_is_asked_for_less(llm: Llm, steering: Steering) -> None:
    await steering.rule(fault={"truncate": True}, times=2)
    assert await asker(llm, may_shorten=True).text(PROMPT)
    assert ["much shorter" in call.prompt for call in await steering.calls()] == [False, False, True]


async def test_a_reply_that_is_cut_off_each_time_is_truncated_in_the_end(llm: Llm, steering: Steering) -> None:
    await steering.rule(fault={"truncate": True})
    with pytest.raises(OutputTruncated, match="none of 2 replies"):
        await asker(llm).text(PROMPT)
    with pytest.raises(OutputTruncated, match="none of 3 replies"):
        await asker(llm, may_shorten=True).text(PROMPT)


async def test_a_step_that_thinks_the_least_is_not_asked_the_same_again(llm: Llm, steering: Steering) -> None:
    await steering.rule(fault={"truncate": True})
    with pytest.raises(OutputTruncated, match="none of 1 replies"):
        await asker(llm, thinking="low").text(PROMPT)
    with pytest.raises(OutputTruncated, match="none of 3 replies"):
        await asker(llm, thinking="low", may_shorten=True).text(PROMPT)
    shorter = ["much shorter" in call.prompt for call in await steering.calls()]
    assert shorter == [False, False, True, True]


async def test_what_runs_away_with_the_least_thinking_is_asked_of_the_tier_above(llm: Llm, steering: Steering) -> None:
    await steering.rule(model="gemini-3.8-flash", fault={"truncate": True})
    assert await asker(llm, thinking="low", stronger=Asked("gemini-4-argon")).text(PROMPT)
    assert await asker(llm, stronger=Asked("gemini-4-argon")).text(PROMPT)
    calls = await steering.calls()
    assert [call.model[7:8] for call in calls] == ["3", "4", "3", "3", "4"]
    assert not any("much shorter" in call.prompt for call in calls)


async def test_the_tier_above_is_asked_last_also_after_a_reply_that_was_cut_off() -> None:
    async with Wire([said("half", "MAX_TOKENS"), said(" "), said("all of it")]) as wire, at(wire.url) as llm:
        assert await asker(llm, stronger=Asked("gemini-4-argon")).text(PROMPT) == "all of it"
    assert [asked.model for asked in wire.asked] == ["gemini-3.8-flash", "gemini-3.8-flash", "gemini-4-argon"]
