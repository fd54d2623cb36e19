"""Cases, put to the real services of a stack of this machine."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isfunction
from pkgutil import resolve_name
from typing import Any

from pydantic import BaseModel, ValidationError

from penstock.client.over_nats import NatsClient
from penstock.contracts.problem import Problem
from penstock.contracts.step import Step, StepMessage
from penstock.contracts.usage import Usage
from penstock.contracts.wire import DEFAULT_TENANT, JobName
from penstock.errors import Misconfigured
from penstock.evals.cases import Case, CaseSet, first_of
from penstock.evals.measures import Scores
from penstock.jetstream import subjects
from penstock.jobs import new_job_id
from penstock.pattern import Pattern
from penstock.patterns.loading import called
from penstock.runs.journal import Journal

#: Seconds that one case may take.
_DEADLINE = 900.0
_KEY = "case"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a case, asked once. `failure`: the code and its detail; `output` is JSON; `models`: who answered."""

    output: Any
    usage: Usage
    models: frozenset[str]
    failure: str | None = None


class Runner:
    """Puts cases to the services that `client` reaches, `at_once` at a time: of `places` each question takes one."""

    def __init__(self, client: NatsClient, patterns: Mapping[str, Pattern[Any, Any]], *, at_once: int) -> None:
        self._client, self._patterns, self._steps = client, patterns, _steps(patterns)
        self.places = asyncio.Semaphore(at_once)

    async def answers(self, cases: CaseSet, case: Case, done: Callable[[], None]) -> Sequence[Answer]:
        """The case's answers, asked as often as its set says: one after the other, so that a recording of several
        replies to one request gives each time's own again."""
        answers = []
        for _ in range(cases.times):
            async with self.places:
                answers.append(await (self._job(cases, case) if cases.pattern else self._step(cases, case)))
            done()
        return answers

    async def _job(self, cases: CaseSet, case: Case) -> Answer:
        pattern = self._patterns[str(cases.pattern)]
        job = await self._client.submit(pattern, case.input)
        async with self._client.follow(job) as events:
            async for _ in events:
                pass
        state = await self._client.state(job)
        models = frozenset(step.model for step in state.steps if step.model)
        failure = _failure(state.problem)
        return Answer(state.result if failure is None else None, state.usage, models, failure)

    async def _step(self, cases: CaseSet, case: Case) -> Answer:
        pattern, step = self._steps[str(cases.step)]
        bus, job = self._client.bus, JobName(DEFAULT_TENANT, new_job_id())
        message = _message(pattern, step, case, job, deadline=bus.time.now() + _DEADLINE)
        async with Journal.following(bus, job) as journal:
            await bus.once(
                subjects.step(step.service, pattern.name, step.name, job, _KEY), message.model_dump_json().encode()
            )
            await journal.wait_for(_KEY)
        outcome = journal.outcome(_KEY)
        assert outcome is not None
        models = frozenset(filter(None, (outcome.model,)))
        failure = _failure(outcome.failure)
        return Answer(outcome.value if failure is None else None, outcome.usage, models, failure)


def _failure(problem: Problem | None) -> str | None:
    return f"{problem.code}: {problem.detail}" if problem else None


def _message(
    pattern: Pattern[Any, Any], step: Step[Any, Any], case: Case, job: JobName, *, deadline: float
) -> StepMessage:
    return StepMessage(
        pattern=pattern.name,
        job=job.id,
        tenant=job.tenant,
        step=step.name,
        key=_KEY,
        input=step.input.model_validate(case.input).model_dump(mode="json", by_alias=True),
        fingerprint="0" * 32,
        complexity=step.complexity,
        deadline=deadline,
    )


def check(sets: Mapping[str, CaseSet], patterns: Mapping[str, Pattern[Any, Any]]) -> None:
    """Raises Misconfigured for a step or pattern there is not, an input that does not fit it, and a score of others."""
    asked: Mapping[str | None, tuple[Pattern[Any, Any], type[BaseModel]]] = {
        **{name: (pattern, step.input) for name, (pattern, step) in _steps(patterns).items()},
        **{name: (pattern, pattern.request) for name, pattern in patterns.items()},
    }
    for name, cases in sets.items():
        if (cases.pattern or cases.step) not in asked:
            raise Misconfigured(f"{name}: there is no {cases.pattern or cases.step!r}")
        pattern, model = asked[cases.pattern or cases.step]
        module = pattern.run.__module__
        for measure_name, measure in cases.measures.items():
            by = measure.by if isinstance(measure, Scores) else None
            if by and (wrong := _not_of(module.rpartition(".")[0] or module, by)):
                raise Misconfigured(f"{name}: {measure_name}: by: {by!r} {wrong}")
        for case in cases.cases:
            try:
                model.model_validate(case.input)
            except ValidationError as error:
                raise Misconfigured(f"{name}: the input of {case.id}: {first_of(error, 'input')}") from error


def _not_of(package: str, function: str) -> str | None:
    """Why this is no function that is defined in the package; None if it is. Of others nothing is imported."""
    if not f"{function.partition(':')[0]}.".startswith(f"{package}."):
        return f"is not in {package}, where the pattern is"
    try:
        defined = resolve_name(function)
    except (ImportError, AttributeError, ValueError) as error:
        return f"cannot be imported: {error}"
    own = isfunction(defined) and f"{defined.__module__}.".startswith(f"{package}.")
    return None if own else f"is no function that is defined in {package}"


def _steps(patterns: Mapping[str, Pattern[Any, Any]]) -> dict[str, tuple[Pattern[Any, Any], Step[Any, Any]]]:
    """By `pattern/step`, and by the step's name where only one pattern has it."""
    kinds = {f"{pattern.name}/{step.name}": (pattern, step) for pattern in patterns.values() for step in pattern.steps}
    alone = {step.name: (pattern, step) for pattern, step in kinds.values() if len(called(kinds, step.name)) == 1}
    return alone | kinds
