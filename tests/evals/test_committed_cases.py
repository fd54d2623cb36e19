"""The cases in evals/: they fit their steps, and what they say was planted is there."""

from pathlib import Path

import pytest

from penstock.evals.cases import CaseSet, digest, load
from penstock.evals.measures import Findings
from penstock.evals.running import check
from penstock.patterns.loading import load as load_patterns
from penstock.settings import Settings

ROOT = Path(__file__).parents[2]
SETS = load(ROOT / "evals")
REVIEWS = {name: cases for name, cases in SETS.items() if "/review-" in name}


def test_they_fit_their_steps_and_patterns() -> None:
    check(SETS, load_patterns(Settings().patterns))
    assert sum(len(cases.cases) for cases in SETS.values()) >= 150


def test_the_report_is_of_these_cases() -> None:
    page = (ROOT / "docs/quality.md").read_text(encoding="utf-8")
    assert f"({digest(SETS)})" in page, "cases have changed since: run `make eval`"


@pytest.mark.parametrize(("name", "cases"), SETS.items(), ids=SETS)
def test_each_set_has_clean_and_corrupt_cases_or_neither_and_hostile_ones(name: str, cases: CaseSet) -> None:
    assert any("hostile" in case.tags for case in cases.cases)
    for measure, kind in cases.measures.items():
        if isinstance(kind, Findings):
            assert {bool(case.truth[measure]) for case in cases.cases} == {True, False}


@pytest.mark.parametrize(("name", "cases"), REVIEWS.items(), ids=REVIEWS)
def test_a_planted_line_differs_from_the_clean_code(name: str, cases: CaseSet) -> None:
    clean = {line for case in cases.cases if "clean" in case.tags for line in case.input["numberedCode"].splitlines()}
    for case in cases.cases:
        lines = case.input["numberedCode"].splitlines()
        assert [line.partition("|")[0] for line in lines] == [str(number + 1) for number in range(len(lines))], case.id
        for planted in case.truth["findings"]:
            assert "line" not in planted or lines[planted["line"] - 1] not in clean, case.id
