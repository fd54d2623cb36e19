"""One evaluation, from the folder of cases to the report."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from penstock.client.over_nats import NatsClient
from penstock.contracts.usage import Usage
from penstock.errors import Failure, PenstockError, Transient
from penstock.evals.cases import Case, CaseSet, fingerprint
from penstock.evals.judge import Judge, Verdict
from penstock.evals.measures import Evidence
from penstock.evals.pairs import Judged
from penstock.evals.recording import STALE, Recording, answering
from penstock.evals.report import SIMULATOR, Report, SetReport
from penstock.evals.running import Runner
from penstock.evals.serving import served
from penstock.llm.access import access_of
from penstock.llm.client import Llm
from penstock.local.stack import Stack
from penstock.patterns import AnyPattern
from penstock.printable import without_credentials
from penstock.settings import Settings

T = TypeVar("T")

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
    baseline: Report | None = None,
    judge: str | None = None,
) -> Report:
    """Start a stack in `data`, put all cases to it, and end it. `progress` is told how many of all questions are done.

    `judge`: the model that compares the answers of sets that are judged with those of the baseline.

    The sets must have passed `check`. Raises BudgetSpent, Misconfigured for recordings that are none and for a judge
    that answers itself.
    """
    settings = Settings()
    async with AsyncExitStack() as exits:
        env = {"PENSTOCK_CACHE": "false"}  # what is asked twice is to be answered twice
        recording = Recording(recordings)
        if source != "simulator":
            access = access_of(settings) if source == "model" else None
            app = await exits.enter_async_context(answering(recording, (access.base_url or GOOGLE) if access else None))
            env["PENSTOCK_MODEL_BASE_URL"] = await exits.enter_async_context(served(app))
            settings = settings.model_copy(update={"model_base_url": env["PENSTOCK_MODEL_BASE_URL"]})
        stack = await exits.enter_async_context(Stack(data=data, port=0, pace="off", env=env))
        client = await exits.enter_async_context(NatsClient(Settings(nats_url=stack.nats_url)))
        runner = Runner(client, patterns, at_once=at_once)
        pairs = compared(sets, baseline) if baseline and judge else {}
        whole = sum(len(cases.cases) * cases.times for cases in sets.values()) + sum(map(len, pairs.values()))
        evaluation = _Evaluation(runner, recording, whole, max_cost, progress, source == "simulator")
        reports = {name: await evaluation.of(cases) for name, cases in sets.items()}
        if baseline and judge:
            if stack.simulator_url:
                settings = settings.model_copy(update={"simulator_url": without_credentials(stack.simulator_url)})
            llm = Llm(settings)
            exits.push_async_callback(llm.aclose)
            named = {name for report in (*reports.values(), *baseline.sets.values()) for name in report.models}
            judging = Judge(llm, judge, named | {*settings.complex_models, *settings.fast_models})
            for name, cases in pairs.items():
                found = await evaluation.judged(judging, sets[name], reports[name], baseline.sets[name], cases)
                reports[name] = reports[name].model_copy(update={"judged": found})
    return Report(answered_by=_ANSWERED_BY[source], sets=reports)


def compared(sets: Mapping[str, CaseSet], baseline: Report) -> Mapping[str, Sequence[Case]]:
    """The cases of sets that are judged whose answers the baseline has."""
    return {
        name: [case for case in cases.cases if case.id in before.outputs and case.fingerprint == before.cases[case.id]]
        for name, cases in sets.items()
        if cases.judged and (before := baseline.sets.get(name))
    }


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
    models: frozenset[str]
    evidence: dict[str, Evidence] = field(default_factory=dict)
    output: Any = None
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
        found = await _by_case(cases.cases, lambda case: self._measured(cases, case))
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
            models=tuple(sorted({model for one in found.values() for model in one.models})),
            outputs={id: one.output for id, one in found.items() if not one.failure} if cases.judged else {},
            # what the simulator counts differs from run to run and is nobody's cost
            usage=usage.model_copy(update=_NO_TOKENS) if self._simulated else usage,
        )

    async def judged(
        self, judge: Judge, cases: CaseSet, now: SetReport, before: SetReport, pairs: Sequence[Case]
    ) -> Judged:
        """What the judge says of each pair of answers of a set that is judged."""

        async def said(case: Case) -> Verdict | PenstockError:
            async with self._runner.places:
                try:
                    first, second = before.outputs[case.id], now.outputs[case.id]
                    return await judge.verdict(case.input, str(cases.judged), first, second)
                except (Failure, Transient) as error:
                    return error
                finally:
                    self._one_more()
                    self._within_budget()

        found = await _by_case([case for case in pairs if case.id in now.outputs], said)
        return Judged(
            by=judge.name,
            pairs={id: verdict for id, verdict in found.items() if isinstance(verdict, str)},
            failures={id: str(error) for id, error in found.items() if isinstance(error, PenstockError)},
        )

    async def _measured(self, cases: CaseSet, case: Case) -> "_Measured":
        answers = await self._runner.answers(cases, case, self._one_more)
        models = frozenset().union(*(answer.models for answer in answers))
        measured = _Measured(sum((answer.usage for answer in answers), start=Usage()), models)
        self._within_budget()  # first: what failed was paid for as well
        measured.failure = next((answer.failure for answer in answers if answer.failure), None)
        if measured.failure is None:
            outputs = [answer.output for answer in answers]
            measured.output = outputs[0]
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


async def _by_case(cases: Iterable[Case], work: Callable[[Case], Coroutine[Any, Any, T]]) -> dict[str, T]:
    """What comes of all, at once. Raises the first error of ours alone, and cancels the rest."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {case.id: group.create_task(work(case)) for case in cases}
    except ExceptionGroup as failed:
        if ours := failed.subgroup(PenstockError):
            raise ours.exceptions[0] from None
        raise
    return {id: task.result() for id, task in tasks.items()}
