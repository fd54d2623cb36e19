"""What an evaluation found: its evidence as JSON, to be compared with, and its figures as Markdown, to be read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from penstock.contracts.usage import Usage
from penstock.contracts.wire import Tolerant
from penstock.evals.cases import CaseSet, digest
from penstock.evals.measures import Figure
from penstock.evals.statistics import Interval, difference, interval

#: The tag of cases whose input gives orders to the model.
HOSTILE = "hostile"
_HEAD = "| set | figure | value | 95 % interval | cases |"


class SetReport(Tolerant):
    """`evidence`: by measure and case. `asked`: questions put, retests included; `stale`: without a recorded reply."""

    evidence: dict[str, dict[str, Any]]
    failures: dict[str, str] = {}
    asked: int
    stale: int = 0
    usage: Usage


class Report(Tolerant):
    """`answered_by`: the model, a recording of it, or the simulator."""

    answered_by: str
    sets: dict[str, SetReport]


def markdown(report: Report, sets: Mapping[str, CaseSet], baseline: Report | None = None) -> str:
    """Figures with intervals, of hostile cases alone as well, and the cost; beside the baseline's, if there is one."""
    count = sum(len(cases.cases) for cases in sets.values())
    lines = [f"{count} cases ({digest(sets)}), answered by {report.answered_by}.", ""]
    head = f"{_HEAD} against the baseline |" if baseline else _HEAD
    head += "\n" + "|---" * (head.count("|") - 1) + "|"
    for said, only in ((None, None), (f"\nOf the cases that are tagged `{HOSTILE}` alone:\n", HOSTILE)):
        rows = [row for name in sets for row in _figures(name, sets[name], report, baseline, only)]
        lines += [*([said] if said and rows else ()), *([head, *rows] if rows else ())]
    lines += ["", "| set | asked | failed | stale | calls more than asked | tokens in | out | US$ |", "|---" * 8 + "|"]
    for name, one in report.sets.items():
        usage, cost = one.usage, one.usage.cost_usd
        lines.append(
            f"| {name} | {one.asked} | {len(one.failures)} | {one.stale} | {max(0, usage.calls - one.asked)} | "
            f"{usage.prompt_tokens} | {usage.output_tokens + usage.thinking_tokens} | "
            f"{'' if cost is None else f'{cost:.4f}'} |"
        )
    for name, one in report.sets.items():
        # as code: a failure may quote the model, whose links nobody is to follow
        lines += [f"\n{name}, {case}: `{_in_line(why)}`" for case, why in sorted(one.failures.items())]
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


def verdict(gained: Interval | None, figure: Figure) -> str:
    """Whether the second is better, by the interval of the difference."""
    if gained is None or gained.low is None or gained.high is None or gained.low <= 0 <= gained.high:
        return "cannot tell"
    return "better" if (gained.value > 0) is (figure.better == "higher") else "worse"


def _figures(name: str, cases: CaseSet, report: Report, baseline: Report | None, tag: str | None) -> Iterator[str]:
    before = baseline.sets.get(name) if baseline else None
    meant = {case.id for case in cases.cases if tag is None or tag in case.tags}
    for measure_name, measure in cases.measures.items():
        evidence = {
            case: one for case, one in report.sets[name].evidence.get(measure_name, {}).items() if case in meant
        }
        earlier = before.evidence.get(measure_name, {}) if before else {}
        pairs = [(earlier[case], one) for case, one in evidence.items() if case in earlier]
        for figure_name, figure in measure.figures.items():
            shown = interval(list(evidence.values()), figure.of)
            if shown is None:
                continue
            bounds = "" if shown.low is None or shown.high is None else f"{shown.low:.2f} to {shown.high:.2f}"
            row = f"| {name} | {measure_name}: {figure_name} | {shown.value:.2f} | {bounds} | {len(evidence)} |"
            if baseline:
                gained = difference(pairs, figure.of)
                change = "" if gained is None else f" ({gained.value:+.2f})"
                row += f" {verdict(gained, figure)}{change} |"
            yield row
