"""What jobs cost and how long the system took to recover: its own accounts, and the model server's."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import combinations, pairwise
from operator import sub
from statistics import median

from penstock.contracts.events import EVENT, JobAccepted, JobCompleted, texts_of
from penstock.contracts.journal import Wasted
from penstock.contracts.usage import Paid, Usage
from penstock.jetstream import subjects
from penstock.simulator.wire import Call
from penstock.usage import Folding, days, report
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
    """To the token, for calls that ran to their end in a process that lived to tell; and no token is told twice.

    What is missing of the others, `at_most` so many, is in steps of which an attempt was lost, or cut off. Nothing
    finished was paid again, but for calls that were interrupted between their last token and their outcome.
    """
    ids = {job.id for job in jobs}
    everything = await world.gemini.calls()
    calls = [call for call in everything if call.job in ids]
    by_step = _by_step(calls)
    needed = untold = exact = 0
    for job in jobs:
        end = job.over_nats[-1]
        assert isinstance(end, JobCompleted)
        found = await outcomes(world.bus, job.id)
        assert end.usage == sum((outcome.usage for outcome in found.values()), start=Usage())
        told = await _told(world, job.id)
        for key, outcome in found.items():
            of_step = by_step[job.id, key]
            needed += outcome.model is not None
            assert any(call.status == "completed" for call in of_step) == (outcome.model is not None)
            # what came of it is in it exactly
            _untold(of_step, sum(outcome.paid.values(), start=Usage()))
            wasted, lost = told[key]
            missing = _missing(of_step, [outcome.paid, *wasted])
            assert min(missing) >= 0, (job.id, key, "more than there was", of_step)
            assert not any(missing) or wasted or lost or len(of_step) > 1, (job.id, key, missing, of_step)
            # but for the one that the outcome is from
            untold += sum(call.usage is not None for call in of_step) - 1 if any(missing) else 0
            exact += not any(missing)
    completed = sum(call.status == "completed" for call in calls)
    print(f"{len(calls)} calls begun, {completed} completed, {needed} needed")
    assert completed - needed <= at_most
    assert untold <= at_most
    await Folding(world.bus).fold()
    total = (await report(world.bus, *days(None, None), ("step",))).total
    missing = _missing(everything, [{"": Usage(**total.model_dump(include=set(Usage.model_fields)))}])
    counted = sum(sum(_counted(call)) for call in everything)
    print(
        f"usage: {counted - sum(missing)} tokens of {counted} that the model server sent, {total.unmetered} unmetered"
    )
    print(f"to the token in {exact} steps; in the others up to {untold} calls were lost or cut off")
    assert min(missing) >= 0
    assert not any(missing) or untold


def _counted(call: Call) -> tuple[int, int, int]:
    """Prompt, output, thinking, as the model server sent them."""
    usage = call.usage
    return (usage.prompt_token_count, usage.candidates_token_count, usage.thoughts_token_count) if usage else (0, 0, 0)


def _missing(calls: Sequence[Call], bills: Sequence[Paid]) -> tuple[int, ...]:
    """Prompt, output and thinking tokens of calls that are in no bill."""
    told = sum((usage for bill in bills for usage in bill.values()), start=Usage())
    sent = map(sum, zip((0, 0, 0), *map(_counted, calls), strict=True))
    return tuple(map(sub, sent, (told.prompt_tokens, told.output_tokens, told.thinking_tokens)))


def _untold(calls: list[Call], told: Usage) -> int:
    """How many calls with tokens are not in what was told. The others must add up to it exactly."""
    with_tokens = [call for call in calls if call.usage]
    wanted = (told.prompt_tokens, told.output_tokens, told.thinking_tokens)
    for count in range(len(with_tokens), -1, -1):
        for some in combinations(with_tokens, count):
            if tuple(map(sum, zip((0, 0, 0), *map(_counted, some), strict=True))) == wanted:
                return len(with_tokens) - count
    raise AssertionError(f"no calls of {with_tokens} add up to {told}")


async def _told(world: World, job: str) -> dict[str, tuple[list[Paid], int]]:
    """By step, what attempts have told that came to nothing, and how many have told nothing."""
    found: dict[str, tuple[list[Paid], int]] = defaultdict(lambda: ([], 0))
    async for stored in world.bus.history(subjects.journal(named(job), ">")):
        kind, _, _ = subjects.key_of(stored.subject).rpartition(".")
        if kind not in ("wasted", "lost"):
            continue
        fact = Wasted.model_validate_json(stored.data)
        bills, lost = found[fact.key]
        found[fact.key] = ([*bills, fact.paid], lost) if kind == "wasted" else (bills, lost + 1)
    return found


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
        async for stored in world.bus.history(subjects.events(named(job.id))):
            if any(isinstance(EVENT.validate_json(text), JobAccepted) for text in texts_of(stored.data)):
                accepted.append(datetime.fromisoformat(stored.time).timestamp())
        for first, again in pairwise(accepted):
            before = [kill for kill in faults.kills if kill.kind == "aggregator" and first < kill.at < again]
            if before:
                found.append((before[-1], again))
    began = [fault.began for fault in faults.befallen] + [kill.at for kill in faults.kills]
    return [(kill, again, not any(kill.at + 0.01 < one < again for one in began)) for kill, again in found]


def _did(kill: Kill, call: Call) -> bool:
    return kill.kind == ("classifier" if call.step == "classify" else "workers")
