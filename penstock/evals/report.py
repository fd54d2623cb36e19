"""What an evaluation found: its evidence as JSON, to be compared with, and its figures as Markdown, to be read."""

from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from statistics import fmean
from typing import Any

from penstock.contracts.usage import Usage
from penstock.contracts.wire import Tolerant, omitted
from penstock.evals.cases import CaseSet, digest
from penstock.evals.measures import Figure
from penstock.evals.pairs import Judged, pairs_table
from penstock.evals.statistics import Interval, difference, interval, telling

#: The tag of cases whose input gives orders to the model.
HOSTILE = "hostile"
#: How a report begins that says who answered, where that was no model.
SIMULATOR = "the simulator"
#: Pairs below which nothing is said of a difference; those of them that must differ, where each can.
_PAIRS, _DIFFERING = 10, 6
_ANSWERED = Figure("higher", fmean)
_HEAD = "| set | figure | value | 95 % interval | cases |"


class SetReport(Tolerant):
    """`cases`, `measures`: their fingerprints, by id and name. `evidence`: by measure and case.

    `asked`: questions put, retests included; `stale`: without a recorded reply; `models`: who answered. `outputs`: by
    case, of a set that is judged, the first answer; `judged`: what was said of it and the one of the baseline.
    """

    cases: dict[str, str] = {}
    measures: dict[str, str] = {}
    evidence: dict[str, dict[str, Any]]
    failures: dict[str, str] = {}
    asked: int
    stale: int = 0
    usage: Usage
    models: tuple[str, ...] = ()
    outputs: dict[str, Any] = {}
    judged: Judged | None = omitted()


class Report(Tolerant):
    """`answered_by`: the model, a recording of it, or the simulator."""

    answered_by: str
    sets: dict[str, SetReport]

    @property
    def simulated(self) -> bool:
        return self.answered_by.startswith(SIMULATOR)


def markdown(report: Report, sets: Mapping[str, CaseSet], baseline: Report | None = None) -> str:
    """Figures with intervals, of hostile cases alone as well, and the cost; beside the baseline's, if there is one."""
    count = sum(len(cases.cases) for cases in sets.values())
    lines = [f"{count} cases ({digest(sets)}), answered by {report.answered_by}.", ""]
    head = f"{_HEAD} against the baseline |" if baseline else _HEAD
    head += "\n" + "|---" * (head.count("|") - 1) + "|"
    for said, only in ((None, None), (f"\nOf the cases that are tagged `{HOSTILE}` alone:\n", HOSTILE)):
        table = _Rows(report, baseline, only)
        rows = [row for name in sets for row in table.of(name, sets[name])]
        lines += [*([said] if said and rows else ()), *([head, *rows] if rows else ())]
        if baseline and rows:
            lines += [
                "",
                f"{table.compared} figures could be compared; chance alone would call "
                f"{table.compared * 0.05:.1f} better or worse (5 %).",
            ]
    judged = {name: one.judged for name, one in report.sets.items() if one.judged}
    more_failed = {
        name: _more_failed(report.sets[name], baseline.sets.get(name) if baseline else None) for name in judged
    }
    lines += pairs_table(judged, more_failed=more_failed)
    lines += ["", "| set | asked | failed | stale | calls more than asked | tokens in | out | US$ |", "|---" * 8 + "|"]
    for name, one in report.sets.items():
        usage, cost = one.usage, one.usage.cost_usd
        # a pattern's calls are as many as it has steps: more than asked says something of a step's only
        more = "" if sets[name].pattern else max(0, usage.calls - one.asked)
        lines.append(
            f"| {name} | {one.asked} | {len(one.failures)} | {one.stale} | {more} | "
            f"{usage.prompt_tokens} | {usage.output_tokens + usage.thinking_tokens} | "
            f"{'' if cost is None else f'{cost:.4f}'} |"
        )
    for name, one in report.sets.items():
        # as code: a failure may quote the model, whose links nobody is to follow
        lines += [f"\n{name}, {case}: `{_in_line(why)}`" for case, why in sorted(one.failures.items())]
        failures = one.judged.failures if one.judged else {}
        lines += [f"\n{name}, {case}: not judged: `{_in_line(why)}`" for case, why in sorted(failures.items())]
    return "\n".join(lines) + "\n"


def _in_line(text: str) -> str:
    return " ".join(text.replace("`", "'").split())


def write_between_marks(text: str, page: Path, mark: str = "eval") -> None:
    """Put it between the lines <!-- mark --> and <!-- /mark --> of a Markdown page. Raises ValueError without those."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition(f"<!-- /{mark} -->")
    if not (begin and end):
        raise ValueError(f"there is no line <!-- {mark} -->, or no <!-- /{mark} --> behind it")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def comparable(pairs: Sequence[tuple[Any, Any]], figure: Figure) -> bool:
    """Whether there are enough pairs to say something of their difference."""
    of_each = [pair for pair in pairs if any(figure.of([one]) is not None for one in pair)]
    return len(of_each or pairs) >= _PAIRS


def verdict(gained: Interval | None, pairs: Sequence[tuple[Any, Any]], figure: Figure) -> str:
    """Whether the second is better, by the interval of the difference.

    "cannot tell" below 10 pairs, and where of a figure that each case has fewer than 6 differ: a sign test of 5 that
    agree has 6 %.
    """
    if gained is None or gained.low is None or gained.high is None or gained.low <= 0 <= gained.high:
        return "cannot tell"
    values = [(figure.of([first]), figure.of([second])) for first, second in pairs]
    each = any(value is not None for both in values for value in both)
    if not comparable(pairs, figure) or (each and sum(first != second for first, second in values) < _DIFFERING):
        return "cannot tell"
    return "better" if (gained.value > 0) is (figure.better == "higher") else "worse"


def _answered(report: SetReport | None) -> dict[str, Any]:
    return {case: float(case not in report.failures) for case in report.cases} if report else {}


def _evidence(report: SetReport | None, measure: str) -> dict[str, Any]:
    return report.evidence.get(measure, {}) if report else {}


def same_cases(now: SetReport, before: SetReport | None) -> Set[str]:
    """The ids of those that were the same then: their input and their truth."""
    return {id for id, _ in before.cases.items() & now.cases.items()} if before else set()


def _more_failed(now: SetReport, before: SetReport | None) -> bool:
    same = same_cases(now, before)
    return before is not None and len(same & now.failures.keys()) > len(same & before.failures.keys())


def _same_measure(now: SetReport, before: SetReport | None, measure: str) -> bool:
    return before is not None and now.measures.get(measure) == before.measures.get(measure)


class _Rows:
    """The rows of one table. `compared`: figures for which there were enough pairs."""

    def __init__(self, report: Report, baseline: Report | None, tag: str | None) -> None:
        self._report, self._baseline, self._tag = report, baseline, tag
        self.compared = 0

    def of(self, name: str, cases: CaseSet) -> Iterator[str]:
        now, before = self._report.sets[name], self._baseline.sets.get(name) if self._baseline else None
        meant = [case.id for case in cases.cases if self._tag is None or self._tag in case.tags]
        same = same_cases(now, before)
        figures = {"answered": (_ANSWERED, _answered(now), _answered(before), True)} | {
            f"{of}: {label}": (figure, now.evidence.get(of, {}), _evidence(before, of), _same_measure(now, before, of))
            for of, measure in cases.measures.items()
            for label, figure in measure.figures.items()
        }
        for label, (figure, evidence, earlier, measured_so) in figures.items():
            found = [evidence[case] for case in meant if case in evidence]
            shown = interval(found, figure.of) if found else None
            if shown is None:
                continue
            bounds = "" if shown.low is None or shown.high is None else f"{shown.low:.2f} to {shown.high:.2f}"
            row = f"| {name} | {label} | {shown.value:.2f} | {bounds} | {len(telling(found, figure.of))} |"
            if before and not measured_so:
                row += " cannot tell, measured otherwise |"
            elif self._baseline:
                both = same & earlier.keys() & evidence.keys()
                pairs = [(earlier[case], evidence[case]) for case in meant if case in both]
                row += f" {self._change(pairs, figure, more_failed=_more_failed(now, before))} |"
            yield row

    def _change(self, pairs: Sequence[tuple[Any, Any]], figure: Figure, *, more_failed: bool) -> str:
        gained = difference(pairs, figure.of) if pairs else None
        if gained is None:
            return "cannot tell"
        self.compared += comparable(pairs, figure)
        said = verdict(gained, pairs, figure)
        return f"{'cannot tell, more failed' if said == 'better' and more_failed else said} ({gained.value:+.2f})"
