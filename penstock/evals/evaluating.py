"""One evaluation, from the folder of cases to the report."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from penstock.client.over_nats import NatsClient
from penstock.contracts.usage import Usage
from penstock.errors import PenstockError
from penstock.evals.cases import Case, CaseSet, fingerprint
from penstock.evals.measures import Evidence
from penstock.evals.recording import STALE, Recording, answering
from penstock.evals.report import SIMULATOR, Report, SetReport
from penstock.evals.running import Runner
from penstock.evals.serving import served
from penstock.llm.access import access_of
from penstock.local.stack import Stack
from penstock.patterns import AnyPattern
from penstock.settings import Settings

GOOGLE = "https://generativelanguage.googleapis.com"

#: Who answers: the model (replies that are recorded are not asked for again), recordings alone, or the simulator.
Source = Literal["model", "recording", "simulator"]


class BudgetSpent(PenstockError):
    """The evaluation stopped since it had cost what it may. What was answered is recorded."""


async def evaluate(
    sets: Mapping[str, CaseSet],
    patterns: Mapping[str, AnyPattern],
    *,
    source: Source,
    recordings: Path,
    data: Path,
    at_once: int = 8,
    max_cost: float | None = None,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> Report:
    """Start a stack in `data`, put all cases to it, and end it. `progress` is told how many of all questions are done.

    The sets must have passed `check`. Raises BudgetSpent, Misconfigured for recordings that are none.
    """
    async with AsyncExitStack() as exits:
        env: dict[str, str] = {}
        recording = Recording(recordings)
        if source != "simulator":
            access = access_of(Settings()) if source == "model" else None
            app = await exits.enter_async_context(answering(recording, (access.base_url or GOOGLE) if access else None))
            env["PENSTOCK_MODEL_BASE_URL"] = await exits.enter_async_context(served(app))
        stack = await exits.enter_async_context(Stack(data=data, port=0, pace="off", env=env))
        client = await exits.enter_async_context(NatsClient(Settings(nats_url=stack.nats_url)))
        runner = Runner(client, patterns, at_once=at_once)
        whole = sum(len(cases.cases) * cases.times for cases in sets.values())
        evaluation = _Evaluation(runner, recording, whole, max_cost, progress, source == "simulator")
        reports = {name: await evaluation.of(cases) for name, cases in sets.items()}
    return Report(answered_by=_ANSWERED_BY[source], sets=reports)


_ANSWERED_BY: Mapping[Source, str] = {
    "model": "the model",
    "recording": "what the model had answered before",
    "simulator": f"{SIMULATOR}, which understands nothing: the figures show that the measures work, and no quality",
}
_NO_TOKENS = {"prompt_tokens": 0, "output_tokens": 0, "thinking_tokens": 0, "cached_tokens": 0}


@dataclass(slots=True)
class _Measured:
    """Of one case: what its answers cost, and the evidence by measure, or why there is none."""

    usage: Usage
    evidence: dict[str, Evidence] = field(default_factory=dict)
    failure: str | None = None


class _Evaluation:
    def __init__(
        self,
        runner: Runner,
        recording: Recording,
        whole: int,
        max_cost: float | None,
        progress: Callable[[int, int], None],
        simulated: bool,
    ) -> None:
        self._simulated = simulated
        self._runner, self._recording, self._whole = runner, recording, whole
        self._max_cost, self._progress, self._done = max_cost, progress, 0

    async def of(self, cases: CaseSet) -> SetReport:
        try:
            async with asyncio.TaskGroup() as group:
                measuring = {case.id: group.create_task(self._measured(cases, case)) for case in cases.cases}
        except ExceptionGroup as failed:
            if spent := failed.subgroup(BudgetSpent):
                raise spent.exceptions[0] from None
            raise
        found = {id: task.result() for id, task in measuring.items()}
        failures = {id: one.failure for id, one in found.items() if one.failure}
        usage = sum((one.usage for one in found.values()), start=Usage())
        return SetReport(
            cases={case.id: case.fingerprint for case in cases.cases},
            measures={name: fingerprint(measure) for name, measure in cases.measures.items()},
            evidence={
                name: {id: one.evidence[name] for id, one in found.items() if name in one.evidence}
                for name in cases.measures
            },
            failures=failures,
            asked=len(cases.cases) * cases.times,
            stale=sum(STALE in failure for failure in failures.values()),
            # what the simulator counts differs from run to run and is nobody's cost
            usage=usage.model_copy(update=_NO_TOKENS) if self._simulated else usage,
        )

    async def _measured(self, cases: CaseSet, case: Case) -> "_Measured":
        answers = await self._runner.answers(cases, case, self._one_more)
        measured = _Measured(sum((answer.usage for answer in answers), start=Usage()))
        self._within_budget()  # first: what failed was paid for as well
        measured.failure = next((answer.failure for answer in answers if answer.failure), None)
        if measured.failure is None:
            outputs = [answer.output for answer in answers]
            for name in filter(case.truth.__contains__, cases.measures):
                try:
                    measured.evidence[name] = [cases.measures[name].found_in(one, case.truth[name]) for one in outputs]
                except Exception as error:  # an output that the measure does not fit
                    measured.failure = f"{name} cannot be measured: {error!r}"
        return measured

    def _one_more(self) -> None:
        self._done += 1
        self._progress(self._done, self._whole)

    def _within_budget(self) -> None:
        spent = self._recording.spent
        if self._max_cost is not None and spent > self._max_cost:
            raise BudgetSpent(f"stopped at US$ {spent:.2f} of {self._max_cost:.2f}; run it again to go on")
