"""What a report shows of what a model said."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from rich.markdown import Markdown

from penstock.contracts.usage import Usage
from penstock.evals.cases import Case, CaseSet, fingerprint
from penstock.evals.measures import Label
from penstock.evals.report import Report, SetReport, markdown

CASES = CaseSet.model_validate(
    {
        "about": "x",
        "step": "evaluate",
        "measures": {"m": {"kind": "label"}},
        "cases": [{"id": "c", "input": {}, "truth": {"m": 1}}],
    }
)


def test_what_a_model_said_of_a_failed_case_makes_no_link() -> None:
    """A detail quotes the model: as code, on a page and in a terminal."""
    why = "output_invalid: the last: `[the report](https://evil.example/)`\n\n<https://evil.example/>"
    failed = SetReport(evidence={"m": {}}, failures={"c": why}, asked=1, usage=Usage())
    text = markdown(Report(answered_by="x", sets={"s": failed}), {"s": CASES})
    assert "s, c: `output_invalid: the last: '[the report](https://evil.example/)' <https://evil.example/>`" in text
    shown = StringIO()
    Console(file=shown, force_terminal=True, width=200).print(Markdown(text))
    assert "\x1b]8;" not in shown.getvalue()


MANY = CASES.model_copy(update={"cases": tuple(Case(id=f"c{n}", input={"n": n}, truth={"m": "a"}) for n in range(20))})


def of_many(right: int, *, failed: int = 0, cases: CaseSet = MANY, answered_by: str = "the model") -> Report:
    """The last ones failed; of the others, the first ones are right."""
    ids = [case.id for case in cases.cases]
    answered = ids[: len(ids) - failed]
    one = SetReport(
        cases={case.id: case.fingerprint for case in cases.cases},
        measures={"m": fingerprint(cases.measures["m"])},
        evidence={"m": {id: [["a", "a" if n < right else "b"]] for n, id in enumerate(answered)}},
        failures=dict.fromkeys(ids[len(answered) :], "output_invalid"),
        asked=20,
        usage=Usage(),
    )
    return Report(answered_by=answered_by, sets={"s": one})


def row(text: str, figure: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| s | {figure} |"))


def test_cases_that_fail_are_counted_and_nothing_is_better_for_it() -> None:
    """Eight cases that had a wrong answer have none now: of those that were answered a larger share is right."""
    text = markdown(of_many(12, failed=8), {"s": MANY}, of_many(4))
    assert row(text, "answered") == "| s | answered | 0.60 | 0.40 to 0.80 | 20 | worse (-0.40) |"
    assert row(text, "m: right").endswith("| cannot tell, more failed (+0.67) |")
    assert row(markdown(of_many(12), {"s": MANY}, of_many(4)), "m: right").endswith("| better (+0.40) |")


@pytest.mark.parametrize("changed", [{"input": {"n": "another"}}, {"truth": {"m": "b"}}])
def test_a_case_that_was_another_one_is_not_compared(changed: dict[str, Any]) -> None:
    others = MANY.model_copy(update={"cases": tuple(case.model_copy(update=changed) for case in MANY.cases)})
    text = markdown(of_many(20), {"s": MANY}, of_many(0, cases=others))
    assert row(text, "m: right").endswith("| 20 | cannot tell |")
    assert "0 figures could be compared" in text


def test_what_was_measured_otherwise_is_not_compared() -> None:
    """A threshold or a pointer that has changed makes other figures of the same answers."""
    moved = MANY.model_copy(update={"measures": {"m": Label(kind="label", at="/elsewhere")}})
    text = markdown(of_many(20, cases=moved), {"s": moved}, of_many(0))
    assert row(text, "m: right").endswith("| 20 | cannot tell, measured otherwise |")
    assert row(text, "answered").endswith("| cannot tell (+0.00) |")


def test_a_report_from_before_cases_had_fingerprints_is_not_compared() -> None:
    older = of_many(0)
    older.sets["s"].cases.clear()
    assert row(markdown(of_many(20), {"s": MANY}, older), "m: right").endswith("| cannot tell |")


def test_it_says_how_many_verdicts_would_be_chance() -> None:
    assert "3 figures could be compared; chance alone would call 0.2" in markdown(of_many(9), {"s": MANY}, of_many(4))
    assert "chance" not in markdown(of_many(9), {"s": MANY})
