"""`/jobs/<id>/steps/<key>`: what a step was given, what its model was asked, and what came of it."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Path

from penstock import jobs
from penstock.contracts.asked import AskedPrompt, AskedStep, ToolUse
from penstock.contracts.journal import Outcome
from penstock.contracts.step import Step, StepMessage
from penstock.contracts.turns import Turn
from penstock.contracts.wire import TOKEN_PATTERN, JobName
from penstock.errors import Refused
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jobs.refusals import known
from penstock.mistakes import told
from penstock.pattern import Pattern
from penstock.patterns.loading import with_subs
from penstock.runs.asked import Asked, asked
from penstock.steps.executor import executable_of
from penstock.steps.resources import Resources
from penstock_gateway import openapi
from penstock_gateway.state import Gateway
from penstock_gateway.tenancy import Job
from penstock_gateway.tool_calls import calls_of

#: Calls of one turn whose answers are read.
_MOST_CALLS = 1_000
#: A pattern and a step of it.
Kind = tuple[Pattern[Any, Any], Step[Any, Any]]


def install(app: FastAPI, gateway: Gateway) -> None:
    kinds = {
        (pattern.name, step.name): (pattern, step)
        for pattern in with_subs(gateway.patterns).values()
        for step in pattern.steps
    }

    @app.get(
        "/jobs/{job}/steps/{key}",
        tags=["jobs"],
        summary="Step of a job",
        operation_id="step",
        responses=openapi.problems("unknown_job", "unknown_step"),
    )
    async def shown(job: Job, key: Annotated[str, Path(pattern=TOKEN_PATTERN, description="The step's.")]) -> AskedStep:
        """A step's input, its prompt, the tools that its model called, and its output or failure.

        Input and prompt are kept nowhere: they are worked out again from the job's journal, by the code of its pattern.
        """
        body = known(job.id, await jobs.request_of(gateway.bus, job))
        async with gateway.listing:
            found = await asked(gateway.bus, job, body, key, gateway.patterns, gateway.settings)
            if found is None:
                raise Refused("unknown_step", f"job {job.id} has not asked for a step {key!r}")
            return await _described(gateway.bus, job, key, found, kinds, gateway.settings.show_errors)


async def _described(
    bus: Bus, job: JobName, key: str, found: Asked, kinds: Mapping[tuple[str, str], Kind], show_errors: bool
) -> AskedStep:
    outcome, message = found.outcome, found.message
    pattern, step = _named(outcome, message)
    kind = kinds.get((pattern, step))
    fields: dict[str, Any] = {"why": found.why, "changed": found.changed}
    if message is not None:
        fields["input"] = message.input
        if kind is not None and kind[1].asks:
            fields |= _prompt(kind, message, outcome, show_errors)
    if outcome is not None:
        fields |= {"service": outcome.service, "attempt": outcome.attempt, "failure": outcome.failure}
        fields["output"] = outcome.value
        if kind is not None and kind[1].output is Turn and outcome.failure is None:
            calls = calls_of(step, key, Turn.model_validate(outcome.value))
            answers = await _answers(bus, [subjects.journal(job, call) for call in calls])
            fields["tools"] = tuple(
                ToolUse(key=each, name=call.name, args=call.args, **answers.get(each, {}))
                for each, call in calls.items()
            )
    return AskedStep(key=key, pattern=pattern, step=step, **fields)


def _named(outcome: Outcome | None, message: StepMessage | None) -> tuple[str, str]:
    """A pattern, "" where it is not known, and its step."""
    if message is not None:
        return message.pattern, message.step
    assert outcome is not None
    return outcome.pattern, outcome.step


def _prompt(kind: Kind, message: StepMessage, outcome: Outcome | None, show_errors: bool) -> dict[str, Any]:
    """The prompt, or why there is none."""
    pattern, step = kind
    try:
        if step.do is not None and not pattern.prompt_of(step).exists():
            return {"why": "The step's own code asks the model: it has no prompt in a file."}
        executable = executable_of(pattern, step, Resources())
        given = step.input.model_validate(message.input)
        prompt = executable.render(given)
        if step.prompted is not None:
            prompt = step.prompted(given, prompt)
    except Exception as error:  # whatever an author's file, or `prompted`, raises
        said = told(error, step.prompted or step.do or pattern.run) if show_errors else type(error).__name__
        return {"why": f"By its code of today it has no prompt for this input: {said}"}
    by_code = step.do is not None and step.prompted is None
    changed = outcome is not None and outcome.prompt is not None and outcome.prompt != executable.prompt
    return {"prompt": AskedPrompt(system=prompt.system, turns=prompt.turns, by_code=by_code, changed=changed)}


async def _answers(bus: Bus, facts: list[str]) -> dict[str, dict[str, Any]]:
    """By the key of its step, what each call was answered, of those that were."""
    stored = await bus.last_from_any_replica(facts[:_MOST_CALLS]) if facts else []
    outcomes = [Outcome.model_validate_json(one.data) for one in stored]
    return {one.key: {"failure": one.failure} if one.failure else {"output": one.value} for one in outcomes}
