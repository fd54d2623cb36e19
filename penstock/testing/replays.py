"""A pattern's replays, and whether they are as its first run was.

A replica dies and another runs the pattern again, from any beginning of its journal; and steps that are at work at once
end in any order. The pattern has to ask for the same all the same.
"""

from collections.abc import Iterator
from random import Random

from penstock.contracts.step import StepMessage
from penstock.mistakes import shortened
from penstock.runs.result import difference
from penstock.testing.playing import Pick, Play, Stage
from penstock.testing.told import PatternTestFailed

#: Steps that all replays of one run ask for, together, at most: so many take about two seconds.
_MOST_STEPS = 4_000

_PURE = (
    "a pattern may depend on its request and its steps' outputs only: use run.uuid(), run.random() and run.now(), "
    "sort sets, and do what else differs in a step"
)
_KEYED = "give the steps of branches that go on at the same time keys of their own, key=…, and let no order decide"


async def replay(stage: Stage, first: Play, most: int) -> int:
    """Play it again up to `most` times. Raises PatternTestFailed at the first difference; returns how often it was."""
    journal = [*first.facts.all.values()]
    # what no step gives, such as the time: decided once
    decided = {key: fact for key, fact in first.facts.all.items() if key not in first.asked}
    most = min(most, max(3, _MOST_STEPS // (len(journal) + 1)))
    done = 0
    for length in _spread(len(journal), most if first.at_once < 2 else (most + 1) // 2):
        again = await stage.play(journal[:length], first=decided)
        done += 1
        _compare(first, again, f"on replay, with {length} of {len(journal)} facts in the journal", _PURE)
    for seed in range(most - done if first.at_once > 1 else 0):
        # every second one goes on from the middle of the one before
        random = Random(seed)
        pick: Pick = (lambda keys: keys[-1]) if seed == 0 else random.choice
        beginning = journal[: random.randint(1, len(journal))] if seed % 2 else ()
        again = await stage.play(beginning, first=decided, pick=pick)
        done += 1
        journal = [*again.facts.all.values()]
        _compare(first, again, "when steps at work at once ended in another order", _KEYED)
    return done


def _spread(length: int, most: int) -> Iterator[int]:
    """Numbers from `length` down to 0: all, or `most` of them, evenly."""
    count = min(length + 1, most)
    yield from (length - round(index * length / max(1, count - 1)) for index in range(count))


def _compare(first: Play, again: Play, when: str, advice: str) -> None:
    def fail(what: str) -> None:
        raise PatternTestFailed(f"{what} {when}: {advice}") from again.error

    for key, message in again.asked.items():
        if (before := first.asked.get(key)) is not None:
            if differs := _difference(before, message):
                fail(f"step `{key}` of {message.pattern} was asked {differs}")
        elif not (first.failures or again.failures):
            fail(f"step `{key}` of {message.pattern} was asked for, as it was not before,")
    for key, signal in again.waits.items():
        if first.waits.get(key, signal) != signal:
            fail(f"`{key}` was a wait for {signal or 'time'}, and before it one for {first.waits[key] or 'time'},")
    if again.error is not None:
        fail(f"the pattern raised {type(again.error).__name__} ({again.error})")
    if (first.failure is None) != (again.failure is None):
        fail(f"the job {_end(again)}, and before it {_end(first)},")
    if (left := [key for key in first.asked if key not in again.asked]) and not (first.failures or again.failures):
        fail(f"step `{left[0]}` was not asked for, as it was before,")
    if parts := difference("", first.document, again.document):
        fail(f"the result was another one ({_was(*parts)})")


def _difference(before: StepMessage, now: StepMessage) -> str | None:
    if (before.pattern, before.step) != (now.pattern, now.step):
        return f"under a key that {before.pattern}/{before.step} had before"
    if parts := difference("", before.input, now.input):
        return f"with another input ({_was(*parts)})"
    if before.place != now.place:
        return f"into another place (it was {before.place!r}, and is {now.place!r})"
    if before.complexity != now.complexity:
        return f"with another complexity (it was {before.complexity}, and is {now.complexity})"
    return None


def _was(p: str, before: str, now: str) -> str:
    return f"{p} was {before}, and is {now}"


def _end(play: Play) -> str:
    return "ended with a result" if play.failure is None else f"failed as {shortened(str(play.failure.problem()))}"
