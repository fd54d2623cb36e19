"""What jobs cost and how long the system took to recover: its own accounts, and the model server's."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import combinations, pairwise
from statistics import median

from penstock.contracts.events import EVENT, JobAccepted, JobCompleted, StepRetrying, StepStarted
from penstock.contracts.journal import Outcome
from penstock.contracts.usage import Usage
from penstock.jetstream import subjects
from penstock.simulator.wire import Call
from tests.faults.befalling import Befallen, Faults, Kill
from tests.faults.readers import ReadJob
from tests.faults.world import ACK_WAIT, World, seconds_until_next
from tests.support.naming import named
from tests.support.record import outcomes

#: Seconds that a takeover may take beyond ack_wait + 1 on a machine that has other things to do.
_ROOM = 5.0

CallsByStep = dict[tuple[str | None, str | None], list[Call]]


def _by_step(calls: Sequence[Call]) -> CallsByStep:
    found: CallsByStep = defaultdict(list)
    for call in calls:
        found[call.job, call.key].append(call)
    return found


async def usage_is_told(world: World, jobs: Sequence[ReadJob], at_most: int) -> None:
    """To the token. What is not in a job's usage are whole calls that nobody lived to tell of, `at_most` so many.

    And nothing finished was paid again, but for calls that were interrupted between their last token and their outcome.
    """
    ids = {job.id for job in jobs}
    calls = [call for call in await world.gemini.calls() if call.job in ids]
    by_step = _by_step(calls)
    needed = untold = exact = told = 0
    for job in jobs:
        end = job.over_nats[-1]
        assert isinstance(end, JobCompleted)
        found = await outcomes(world.bus, job.id)
        assert end.usage == sum((outcome.usage for outcome in found.values()), start=Usage())
        known = await _told_attempts(world, job.id)
        left = 0
        for key, outcome in found.items():
            of_step = by_step[job.id, key]
            needed += outcome.model is not None
            assert any(call.status == "completed" for call in of_step) == (outcome.model is not None)
            missing = _untold(of_step, outcome)
            assert not missing or known.get(key, 0) < len(of_step), (job.id, key, of_step)
            left += missing
        untold, exact, told = untold + left, exact + (not left), told + _tokens(end.usage)
    completed = sum(call.status == "completed" for call in calls)
    print(f"{len(calls)} calls begun, {completed} completed, {needed} needed")
    print(f"usage: {told} tokens; {exact} of {len(jobs)} jobs to the token, the others but for {untold} lost calls")
    assert completed - needed <= at_most
    assert untold <= at_most


def _tokens(usage: Usage) -> int:
    return usage.prompt_tokens + usage.output_tokens + usage.thinking_tokens


def _untold(calls: list[Call], outcome: Outcome) -> int:
    """How many calls with tokens are not in the outcome's usage. The others must add up to it exactly."""
    with_tokens = [call for call in calls if call.usage]
    told = outcome.usage
    wanted = (told.prompt_tokens, told.output_tokens, told.thinking_tokens)
    for count in range(len(with_tokens), -1, -1):
        for some in combinations(with_tokens, count):
            usages = [call.usage for call in some if call.usage]
            prompt = sum(one.prompt_token_count for one in usages)
            output = sum(one.candidates_token_count for one in usages)
            if (prompt, output, sum(one.thoughts_token_count for one in usages)) == wanted:
                return len(with_tokens) - count
    raise AssertionError(f"{outcome.key}: no calls of {with_tokens} add up to {told}")


async def _told_attempts(world: World, job: str) -> dict[str, int]:
    """By step, how many attempts have told what they cost; no step that has others as well."""
    begun: dict[str, set[str]] = defaultdict(set)
    told: dict[str, set[str]] = defaultdict(set)
    async for stored in world.bus.history(subjects.EVENTS, subjects.events(named(job))):
        match EVENT.validate_json(stored.data):
            case StepStarted(k=key, i=i):
                begun[key].add(i)
            case StepRetrying(k=key, i=i):
                told[key].add(i)
    for key, outcome in (await outcomes(world.bus, job)).items():
        told[key].add(outcome.i)
    return {key: len(told[key]) for key in begun if begun[key] <= told[key]}


async def recovery(world: World, jobs: Sequence[ReadJob], faults: Faults, *, asserted: bool) -> None:
    """Prints how long it took, for each kind of fault, until the next event and the next end of any job.

    And, for processes that were killed, until what they had in work was begun again. On an idle machine that is within
    ack_wait and a second, unless NATS itself had yet to recover.
    """
    print("| fault | times | next event: median | longest | next end: median | longest |\n|---|---|---|---|---|---|")
    kinds: dict[str, list[Befallen]] = defaultdict(list)
    for fault in faults.befallen:
        kinds[fault.name].append(fault)
    for name, some in sorted(kinds.items()):
        columns = []
        for times in (world.heard.events, world.heard.ends):
            waits = [wait for one in some if (wait := seconds_until_next(times, one.over)) is not None]
            columns.append(f"{median(waits):.1f} s | {max(waits):.1f} s" if waits else "- | -")
        print(f"| {name} | {len(some)} | {' | '.join(columns)} |")
    takeovers = await _takeovers(world, jobs, faults)
    for what, undisturbed in (("nothing else befell", True), ("something else befell", False)):
        waits = [again - kill.at for kill, again, alone in takeovers if alone == undisturbed]
        if waits:
            print(
                f"taken over after a kill while {what}: {len(waits)}; {median(waits):.1f} s, at most {max(waits):.1f} s"
            )
        if undisturbed and asserted and waits:
            assert median(waits) <= ACK_WAIT + 1 + _ROOM
    for kill, again, _ in takeovers:
        if again - kill.at > ACK_WAIT + 1:
            before = [fault for fault in faults.befallen if fault.over < kill.at][-1:]
            after = [f"{kill.at - fault.over:.1f} s after {fault.name}" for fault in before]
            print(f"  {kill.victim}: {again - kill.at:.1f} s; killed {', '.join(after) or 'first'}")


async def _takeovers(world: World, jobs: Sequence[ReadJob], faults: Faults) -> list[tuple[Kill, float, bool]]:
    """Each kill, when something that the process had in work was begun again, and whether nothing else befell then."""
    found: list[tuple[Kill, float]] = []
    by_step = _by_step(await world.gemini.calls())
    for kill in faults.kills:
        if kill.kind == "aggregator":
            continue
        # a call that ended with its process
        for calls in by_step.values():
            for one, following in pairwise(calls):
                at = one.ended_at or 0.0
                if one.status == "disconnected" and 0 <= at - kill.at < 0.5 and _did(kill, one):
                    found.append((kill, following.started_at))
    for job in jobs:
        accepted = []
        async for stored in world.bus.history(subjects.EVENTS, subjects.events(named(job.id))):
            if isinstance(EVENT.validate_json(stored.data), JobAccepted):
                accepted.append(datetime.fromisoformat(stored.time).timestamp())
        for first, again in pairwise(accepted):
            before = [kill for kill in faults.kills if kill.kind == "aggregator" and first < kill.at < again]
            if before:
                found.append((before[-1], again))
    began = [fault.began for fault in faults.befallen] + [kill.at for kill in faults.kills]
    return [(kill, again, not any(kill.at + 0.01 < one < again for one in began)) for kill, again in found]


def _did(kill: Kill, call: Call) -> bool:
    return kill.kind == ("classifier" if call.step == "classify" else "workers")
