"""Equal questions are answered by one model call, and a reply that was of no use answers nobody else."""

from contextlib import aclosing
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from penstock import Failure, Pattern, PatternRequest, Run, Step, StepContext, Wire
from penstock.contracts.events import Event, StepCompleted
from penstock.contracts.prompt import Prompt
from penstock.contracts.usage import Usage
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.llm.ask import StepModel
from penstock.llm.client import Llm
from penstock.llm.selector import Asked
from penstock.settings import Settings
from penstock.steps.replies import Replies
from tests.llm.asking import ADD, GOOD, PROMPT, Received, Review, asker
from tests.llm.cache.caching import QUERY, calls, of_tenant
from tests.support.pipeline import Pipeline, pipeline_of
from tests.support.simulator import Steering


class Votes(Wire):
    votes: tuple[str, ...]


async def vote(_: PatternRequest, context: StepContext) -> str:
    """Nobody but itself knows which replies are of no use to it."""
    said = await context.model.text(PROMPT)
    if said == "maybe":
        raise Failure("step_error", "that is no vote")
    return said


VOTE = Step(name="vote", input=PatternRequest, output=str, do=vote, uses_model=True)


async def poll(run: Run, request: PatternRequest) -> Votes:
    return Votes(votes=await run.map(VOTE, [PatternRequest()] * 3, into="/votes"))


POLL = Pattern(
    name="poll",
    summary="Ask three times.",
    run=poll,
    request=PatternRequest,
    result=Votes,
    steps=(VOTE,),
    example=PatternRequest(),
)


async def kept_under(bus: Bus, body: bytes) -> None:
    """Something else stands in the place of the one reply that is kept."""
    stored = await bus.last_from_leader("cache.>")
    assert stored is not None
    await bus.append(stored.subject, body)


def shown(events: list[Event]) -> list[Any]:
    """The events of an executor, with the pieces of one part as one."""
    own = [event.model_dump(exclude={"a", "i", "n"}) for event in events if hasattr(event, "n") and hasattr(event, "k")]
    return [
        [*map(str, key), "".join(one.get("t", "") for one in run)]
        for key, run in groupby(own, lambda one: (one["type"], one["k"], one.get("p")))
    ]


async def test_an_equal_job_is_answered_without_a_call_and_streams_alike(pipeline: Pipeline, gemini: Steering) -> None:
    first = await pipeline.events(await pipeline.submit("routing", QUERY))
    second = await pipeline.events(job := await pipeline.submit("routing", QUERY))
    assert await calls(gemini) == 2
    assert shown(second) == shown(first)
    ends = [event for event in second if isinstance(event, StepCompleted)]
    assert [(end.cached, end.usage) for end in ends] == [(True, Usage())] * 2
    assert [end.model for end in ends] == [end.model for end in first if isinstance(end, StepCompleted)]
    assert (await pipeline.end(job)).usage == Usage()
    assert not any(outcome.cached for outcome in (await pipeline.outcomes(first[0].job)).values())  # type: ignore[union-attr]


async def test_steps_of_a_job_that_ask_the_same_are_answered_by_a_call_each(
    settings: Settings, gemini: Steering
) -> None:
    """A poll of one voter would be none. The next job's are answered by theirs."""
    own = settings.model_copy(update={"patterns": (f"{__name__}:POLL",)})
    async with pipeline_of(own, gemini, "aggregator", "workers") as pipeline:
        results = [await pipeline.run("poll", {}) for _ in range(2)]
    assert results[0] == results[1]
    assert len(set(results[0]["votes"])) == 3
    assert await calls(gemini) == 3


async def test_a_step_that_cannot_use_a_reply_asks_for_another_in_the_next_job(
    settings: Settings, gemini: Steering
) -> None:
    await gemini.rule(times=1, reply={"text": "maybe"})
    own = settings.model_copy(update={"patterns": (f"{__name__}:POLL",)})
    async with pipeline_of(own, gemini, "aggregator", "workers") as pipeline:
        await pipeline.failure(await pipeline.submit("poll", {}))
        assert "maybe" not in (await pipeline.run("poll", {}))["votes"]


async def test_who_wants_no_cache_asks_and_leaves_nothing(pipeline: Pipeline, gemini: Steering) -> None:
    wanted = QUERY | {"options": {"cache": False}}
    for _ in range(2):
        await pipeline.run("routing", wanted)
    assert await calls(gemini) == 4
    assert await pipeline.bus.last_from_leader("cache.>") is None


async def test_a_deployment_may_do_without(settings: Settings, gemini: Steering) -> None:
    off = settings.model_copy(update={"cache": False})
    async with pipeline_of(off, gemini, "aggregator", "classifier", "workers") as pipeline:
        for _ in range(2):
            await pipeline.run("routing", QUERY)
    assert await calls(gemini) == 4


async def test_a_reply_that_is_asked_for_again_is_kept_as_it_fitted_in_the_end(
    llm: Llm, steering: Steering, replies: Replies
) -> None:
    await steering.rule(times=1, reply={"text": "no JSON"})
    await steering.rule(reply={"json": GOOD})
    first, second = (asker(llm, Received(), cache=replies) for _ in range(2))
    assert await first.object(PROMPT, Review, stream=True) == await second.object(PROMPT, Review, stream=True)
    assert await calls(steering) == 2
    assert (first.cached, first.usage.calls, second.cached, second.usage) == (False, 2, True, Usage())
    assert (second.raw, second.model) == (first.raw, first.model)


async def test_a_hit_comes_in_the_pieces_of_the_original(llm: Llm, steering: Steering, replies: Replies) -> None:
    sinks = [Received(), Received()]
    for sink in sinks:
        await asker(llm, sink, cache=replies).text(PROMPT, stream=True)
    assert sinks[0].pieces == sinks[1].pieces
    assert len(sinks[0].pieces) > 1


async def test_a_turn_with_tool_calls_is_a_reply_too(llm: Llm, steering: Steering, replies: Replies) -> None:
    await steering.rule(reply={"functionCalls": [{"name": "add", "args": {"a": 1, "b": 2}}]})
    first, second = [await asker(llm, cache=replies).turn(PROMPT, [ADD]) for _ in range(2)]
    assert first == second
    assert first.calls[0].signature
    assert await calls(steering) == 1


@pytest.mark.parametrize("body", [b"no JSON", b'{"model":"m","parts":["{}"]}'])
async def test_what_does_not_fit_any_more_is_replaced(
    llm: Llm, steering: Steering, replies: Replies, bus: Bus, body: bytes
) -> None:
    await steering.rule(reply={"json": GOOD})
    await asker(llm, cache=replies).object(PROMPT, Review)
    await kept_under(bus, body)
    for _ in range(2):
        await asker(llm, cache=replies).object(PROMPT, Review)
    assert await calls(steering) == 2


async def test_what_a_check_refuses_is_asked_for(llm: Llm, steering: Steering, replies: Replies) -> None:
    await asker(llm, cache=replies).text(PROMPT)
    await steering.rule(reply={"text": "short"})
    assert await asker(llm, cache=replies).text(PROMPT, lambda text: ["too long"] * (len(text) > 5)) == "short"
    assert await asker(llm, cache=replies).text(PROMPT) == "short"


async def test_what_is_older_than_the_setting_is_asked_for(
    llm: Llm, settings: Settings, steering: Steering, replies: Replies, bus: Bus
) -> None:
    await asker(llm, cache=replies).text(PROMPT)
    await asker(llm, cache=replace(replies, kept=0.0)).text(PROMPT)
    assert await calls(steering) == 2
    assert (await bus.jetstream.stream_info(subjects.CACHE)).config.max_age == settings.cache_ttl == replies.kept


async def test_a_step_that_fails_has_its_replies_forgotten(llm: Llm, steering: Steering, replies: Replies) -> None:
    """They fitted, and the step could do nothing with them: the next one is not to fail alike for an hour."""
    first = asker(llm, cache=replies)
    await first.text(PROMPT)
    await first.forget()
    await asker(llm, cache=replies).text(PROMPT)
    assert await calls(steering) == 2


async def test_what_is_asked_twice_on_purpose_is_answered_twice(llm: Llm, steering: Steering, replies: Replies) -> None:
    """By one attempt, or by two steps of a job; each of them answers its like in the next job."""

    async def job() -> list[str]:
        first, second = (asker(llm, cache=replies, asked_before=number) for number in range(2))
        return [await model.text(PROMPT) for model in (first, first, second)]

    answers = await job()
    assert len(set(answers)) == 3
    assert await job() == answers
    assert await calls(steering) == 3


ASKED = Asked("gemini-3.8-flash")


@pytest.mark.parametrize(
    ("asked", "about", "changed"),
    [
        (replace(ASKED, model="gemini-4-argon"), {}, {}),
        (replace(ASKED, thinking="low"), {}, {}),
        (replace(ASKED, temperature=0.5), {}, {}),
        (ASKED, {"stronger": Asked("gemini-4-argon")}, {}),
        (ASKED, {"may_shorten": True}, {}),
        (ASKED, {}, {"model_max_output_tokens": 100}),
        (ASKED, {}, {"safety_settings": {"HARM_CATEGORY_HARASSMENT": "BLOCK_NONE"}}),
        (ASKED, {"prompt": Prompt("You write well.", PROMPT.turns)}, {}),
    ],
)
async def test_whatever_decides_a_reply_makes_another_question(
    settings: Settings,
    steering: Steering,
    replies: Replies,
    asked: Asked,
    about: dict[str, Any],
    changed: dict[str, Any],
) -> None:
    async def ask(settings: Settings, asked: Asked, prompt: Prompt = PROMPT, **about: Any) -> None:
        async with aclosing(Llm(settings)) as llm:
            await StepModel(llm, asked, {}, cache=replies, **about).text(prompt)

    await ask(settings, ASKED)
    for _ in range(2):
        await ask(settings.model_copy(update=changed), asked, **about)
    assert await calls(steering) == 2


async def test_tenants_learn_nothing_of_one_another(llm: Llm, steering: Steering, bus: Bus, settings: Settings) -> None:
    for tenant in ("one", "other"):
        await asker(llm, cache=of_tenant(bus, settings, tenant)).text(PROMPT)
    assert await calls(steering) == 2


async def test_a_setting_shares_replies_among_tenants(
    llm: Llm, steering: Steering, bus: Bus, settings: Settings
) -> None:
    shared = settings.model_copy(update={"cache_shared": True})
    for tenant in ("one", "other"):
        await asker(llm, cache=of_tenant(bus, shared, tenant)).text(PROMPT)
    assert await calls(steering) == 1


async def test_without_its_stream_models_are_asked(llm: Llm, steering: Steering, replies: Replies, bus: Bus) -> None:
    await bus.jetstream.delete_stream(subjects.CACHE)
    assert await asker(llm, cache=replies).text(PROMPT)
    assert await calls(steering) == 1
