"""What a report shows of what a model said."""

from io import StringIO

from rich.console import Console
from rich.markdown import Markdown

from penstock.contracts.usage import Usage
from penstock.evals.cases import CaseSet
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
