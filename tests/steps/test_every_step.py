"""What holds for every step of every pattern, whoever executes it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import TypeAdapter

from penstock.contracts.events import Delta, PartReset, StepRetrying, StepStarted
from penstock.contracts.journal import Outcome
from penstock.contracts.problem import Problem
from penstock.jetstream import subjects
from tests.steps.step_harness import JSON_STEPS, KEY, MODEL_STEPS, STEPS, AnyStep, StepHarness, shown_at_place
from tests.support.naming import named
from tests.support.patience import PATIENCE
from tests.support.settling import Settlements

#: How often a reply that does not fit is asked for again.
REPAIRS = 2


#: A text, an object, a turn: where the handler alone decides, one of each will do.
ONE_OF_EACH_KIND = [step for step in STEPS if step.name in ("draft", "evaluate", "think")]


def each(steps: Sequence[AnyStep]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("step", steps, ids=[step.name for step in steps])


def faults(
    steps: Sequence[AnyStep], each: dict[str, tuple[Any, ...]], some: dict[str, tuple[Any, ...]]
) -> pytest.MarkDecorator:
    """(step, fault, ...) for each step; what only differs in the model's answer, for one step of each kind."""
    kinds = [step for step in steps if step in ONE_OF_EACH_KIND]
    pairs = [(step, *pair) for step in steps for pair in each.items()]
    pairs += [(step, *pair) for step in kinds for pair in some.items()]
    return pytest.mark.parametrize(
        ("step", "fault", "expected"),
        [(step, *values) for step, _, values in pairs],
        ids=[f"{step.name}-{name}" for step, name, _ in pairs],
    )


@each(STEPS)
async def test_its_outcome_fits_its_output_and_equals_what_was_streamed(harness: StepHarness, step: AnyStep) -> None:
    """The events of a step are stored before its outcome; the outcome is stored before the step is acked."""
    outcome = await harness.done(step)
    assert outcome.failure is None
    TypeAdapter(step.output).validate_python(outcome.value)
    assert (outcome.step, outcome.key, outcome.attempt, outcome.service) == (step.name, KEY, 1, step.service)
    assert (outcome.prompt is None) is (outcome.model is None), "a tool has no prompt"
    assert await harness.streamed() == shown_at_place(outcome)
    assert await harness.types() == ["step.started"]


@each(ONE_OF_EACH_KIND)
async def test_its_model_call_is_told_and_counted(harness: StepHarness, step: AnyStep) -> None:
    """The model that was asked, and its tokens. The simulator's replies say that they are simulated."""
    outcome = await harness.done(step)
    started = (await harness.events())[0]
    assert isinstance(started, StepStarted)
    assert started.model is None, "behind another base URL than Google's, only the reply says which model it was"
    assert outcome.model is not None
    assert outcome.model.startswith("simulator/")
    (call,) = await harness.gemini.calls(job=harness.job)
    assert (call.step, call.key, call.status, call.model) == (step.name, KEY, "completed", "big-one")
    assert outcome.usage.calls == 1
    assert call.usage is not None
    assert outcome.usage.prompt_tokens == call.usage.prompt_token_count


@each(STEPS)
async def test_delivered_again_after_its_outcome_it_is_acked_unexecuted(harness: StepHarness, step: AnyStep) -> None:
    """A replay may dispatch a step whose message is gone already: its outcome is found, nothing is paid twice."""
    async with Settlements(harness.bus) as settlements:
        first = await harness.done(step)
        await settlements.wait_for("ACK")
        async with asyncio.timeout(PATIENCE):
            while not await harness.dispatch(step):  # a settled message leaves the work queue, soon
                await asyncio.sleep(0)
        await settlements.wait_for("ACK", 2)
    assert await harness.outcome() == first
    assert await harness.types() == ["step.started"]
    assert len(await harness.gemini.calls(job=harness.job)) <= 1


@each(MODEL_STEPS)
async def test_dispatched_again_while_it_is_in_work_it_is_refused(harness: StepHarness, step: AnyStep) -> None:
    """The stream holds one message for each step."""
    await harness.gemini.rule(job=harness.job, reply={"hold": harness.job})
    assert await harness.dispatch(step)
    await harness.gemini.wait(held=harness.job)
    assert not await harness.dispatch(step)
    await harness.gemini.release(harness.job)
    assert (await harness.outcome()).failure is None
    assert len(await harness.gemini.calls(job=harness.job)) == 1


@each(ONE_OF_EACH_KIND)
async def test_an_outcome_that_is_there_first_stands(harness: StepHarness, step: AnyStep) -> None:
    """Two replicas may finish the same step: the server takes the first outcome, and the second is settled too."""
    await harness.gemini.rule(job=harness.job, reply={"hold": harness.job})
    async with Settlements(harness.bus) as settlements:
        await harness.dispatch(step)
        await harness.gemini.wait(held=harness.job)
        problem = Problem(type="urn:penstock:step_error", title="", status=500, code="step_error", detail="elsewhere")
        other = Outcome(step=step.name, key=KEY, fingerprint="f" * 32, attempt=2, service="another", failure=problem)
        assert await harness.bus.once(subjects.journal(named(harness.job), KEY), other.model_dump_json().encode())
        await harness.gemini.release(harness.job)
        await settlements.wait_for("ACK")
    assert await harness.outcome() == other


@faults(
    MODEL_STEPS,
    {"503": ({"status": 503, "retryDelay": 0.02}, 0.02), "broken-stream": ({"breakAfterChunks": 1}, 0)},
    {"429": ({"status": 429, "retryDelay": 0.02}, 0.02), "500": ({"status": 500}, 0)},
)
async def test_what_passes_is_tried_again(
    harness: StepHarness, step: AnyStep, fault: dict[str, Any], expected: float
) -> None:
    """The delivery fails, the next one succeeds. Readers learn of it, and see nothing twice."""
    await harness.gemini.rule(job=harness.job, times=1, fault=fault)
    outcome = await harness.done(step)
    assert (outcome.failure, outcome.attempt) == (None, 2)
    assert await harness.streamed() == shown_at_place(outcome)
    # on a slow machine the pause after a 429 is told, too
    told = [one for one in await harness.types() if one != "step.queued"]
    assert told == ["step.started", "step.retrying", "step.started", "part.reset"]
    events = await harness.events()
    (retrying,) = [event for event in events if isinstance(event, StepRetrying)]
    assert retrying.code == "model_unavailable"
    assert retrying.delay_seconds >= expected
    calls = await harness.gemini.calls(job=harness.job)
    assert len(calls) == 2
    # what the failed attempt's reply had cost so far is not forgotten
    assert outcome.usage.output_tokens > retrying.usage.output_tokens
    assert retrying.usage.calls == ("breakAfterChunks" in fault)
    assert outcome.usage.calls == 1 + retrying.usage.calls


@each(ONE_OF_EACH_KIND)
async def test_a_paused_replicas_words_are_ignored(harness: StepHarness, step: AnyStep) -> None:
    """Each delta carries its attempt; once a newer one has begun, those of an older one are void."""
    await harness.gemini.rule(job=harness.job, times=1, fault={"breakAfterChunks": 1})
    outcome = await harness.done(step)
    late = Delta(k=KEY, a=1, n=99, p="/out", t="late")
    early = Delta(k=KEY, a=1, n=1, p="/out", t="again")
    for event in (late, early, PartReset(k=KEY, a=1, n=2, p="/out")):
        await harness.bus.append(subjects.events(named(harness.job)), event.model_dump_json().encode())
    assert await harness.streamed() == shown_at_place(outcome)


@faults(
    MODEL_STEPS,
    {"400": ({"status": 400}, "model_rejected")},
    {
        "401": ({"status": 401}, "model_unauthorized"),
        "403": ({"status": 403}, "model_unauthorized"),
        "404": ({"status": 404}, "model_not_found"),
        "safety": ({"safety": True}, "model_blocked"),
        "prompt-blocked": ({"promptBlocked": True}, "model_blocked"),
    },
)
async def test_a_refusal_is_final(harness: StepHarness, step: AnyStep, fault: dict[str, Any], expected: str) -> None:
    """No second call: the step fails with its own code, and names its key."""
    await harness.gemini.rule(job=harness.job, fault=fault)
    outcome = await harness.done(step)
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.step) == (expected, KEY)
    assert outcome.value is None
    assert await harness.streamed() is None
    assert len(await harness.gemini.calls(job=harness.job)) == 1
    assert "step.retrying" not in await harness.types()


def asked_again(step: AnyStep, code: str) -> int:
    """A reply that is cut off is asked for once more, with the least thinking, if the step had more: it is as long."""
    return REPAIRS if code == "output_invalid" else int(step.thinking != "low")


@faults(
    [step for step in JSON_STEPS if step.thinking != "low"],
    {"truncated": ({"truncate": True}, "output_truncated")},
    {"invalid": ({"invalidJson": True}, "output_invalid")},
)
async def test_a_reply_that_does_not_fit_is_asked_for_again(
    harness: StepHarness, step: AnyStep, fault: dict[str, Any], expected: str
) -> None:
    """Within the same attempt, with what was wrong; what was shown of the first reply is taken back."""
    times = asked_again(step, expected)
    await harness.gemini.rule(job=harness.job, times=times, fault=fault)
    outcome = await harness.done(step)
    assert (outcome.failure, outcome.attempt) == (None, 1)
    assert await harness.streamed() == shown_at_place(outcome)
    types = await harness.types()
    assert types[0] == "step.started"
    assert set(types[1:]) <= {"part.reset"}
    assert len(types[1:]) <= times
    assert len(await harness.gemini.calls(job=harness.job)) == 1 + times


@faults(
    JSON_STEPS,
    {"truncated": ({"truncate": True}, "output_truncated")},
    {"invalid": ({"invalidJson": True}, "output_invalid")},
)
async def test_a_reply_that_never_fits_fails_the_step(
    harness: StepHarness, step: AnyStep, fault: dict[str, Any], expected: str
) -> None:
    """Nothing of the replies remains."""
    await harness.gemini.rule(job=harness.job, fault=fault)
    outcome = await harness.done(step)
    assert outcome.failure is not None
    assert outcome.failure.code == expected
    assert await harness.streamed() is None
    assert len(await harness.gemini.calls(job=harness.job)) == 1 + asked_again(step, expected)


@each(MODEL_STEPS)
async def test_after_the_primary_models_attempts_the_fallback_is_asked(harness: StepHarness, step: AnyStep) -> None:
    """Three deliveries for the first model, the fourth for the second."""
    await harness.gemini.rule(job=harness.job, model="big-one", fault={"status": 503, "retryDelay": 0})
    outcome = await harness.done(step)
    assert (outcome.failure, outcome.attempt) == (None, 4)
    assert [call.model for call in await harness.gemini.calls(job=harness.job)] == ["big-one"] * 3 + ["small-one"]
    assert await harness.streamed() == shown_at_place(outcome)


@each(ONE_OF_EACH_KIND)
async def test_when_no_model_has_an_attempt_left_the_step_fails(harness: StepHarness, step: AnyStep) -> None:
    """`model_unavailable`: an exhausted budget is an outcome."""
    await harness.gemini.rule(job=harness.job, fault={"status": 503, "retryDelay": 0})
    outcome = await harness.done(step)
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.attempt) == ("model_unavailable", 6)
    assert len(await harness.gemini.calls(job=harness.job)) == 6
