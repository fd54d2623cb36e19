"""What a judge said of the pairs of two answers to a case, the one from before and the one of now."""

from collections import Counter
from collections.abc import Iterator, Mapping

from penstock.contracts.wire import Tolerant
from penstock.evals.judge import Verdict
from penstock.evals.statistics import sign_test, wilson

#: Above this a judge's preference could be chance.
_SIGNIFICANT = 0.05


class Judged(Tolerant):
    """Of one set. `by`: the judge. `pairs`: by case; `failures`: why there is no verdict, by case."""

    by: str
    pairs: dict[str, Verdict] = {}
    failures: dict[str, str] = {}


def pairs_table(judged: Mapping[str, Judged], *, more_failed: Mapping[str, bool]) -> Iterator[str]:
    """Lines of Markdown. `more_failed`: whether in a set more cases failed than before: then nothing is better."""
    for by in sorted({one.by for one in judged.values()}):
        yield f"\nAnswers against those of the baseline, judged by {by} in both orders:\n"
        yield "| set | pairs | not judged | same | wins | ties | losses | wins of untied | 95 % interval | says |"
        yield "|---" * 10 + "|"
        yield from (_row(name, one, more_failed[name]) for name, one in judged.items() if one.by == by)


def _row(name: str, judged: Judged, more_failed: bool) -> str:
    count = Counter(judged.pairs.values())
    wins, losses = count["win"], count["loss"]
    share = bounds = ""
    untied = wins + losses
    if untied:
        share, bounds = f"{wins / untied:.2f}", "{:.2f} to {:.2f}".format(*wilson(wins, untied))
    said = told(wins, losses)
    if said == "better" and more_failed:
        said = "cannot tell, more failed"
    elif said != "cannot tell" and len(judged.failures) > untied:
        said = "cannot tell, too few judged"
    return (
        f"| {name} | {len(judged.pairs)} | {len(judged.failures)} | {count['same']} | {wins} | {count['tie']} | "
        f"{losses} | {share} | {bounds} | {said} |"
    )


def told(wins: int, losses: int) -> str:
    """Better or worse by an exact sign test of the pairs that are no ties: of five that agree it says nothing."""
    if sign_test(wins, losses) > _SIGNIFICANT:
        return "cannot tell"
    return "better" if wins > losses else "worse"
