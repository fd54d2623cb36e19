"""A folder of cases that cannot be used is refused with its file and field."""

from pathlib import Path

import pytest

from penstock.errors import Misconfigured
from penstock.evals.cases import load

GOOD = """
about: a misrouted query costs a day
step: classify
measures: {category: {kind: label, at: /category}}
cases:
  - {id: one, input: {query: "why?"}, truth: {category: general}}
"""
OTHER = "cases:\n  - {id: a, input: {query: why}, truth: {}}\n"


def test_sets_are_named_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "routing").mkdir()
    (tmp_path / "routing" / "classify.yaml").write_text(GOOD)
    assert [*load(tmp_path)] == ["routing/classify"]


def test_a_twin_has_the_input_of_another_case_with_texts_replaced(tmp_path: Path) -> None:
    twin = "  - {id: two, twin: one, but: {why: how}, truth: {category: technical}}\n"
    (tmp_path / "set.yaml").write_text(GOOD + twin)
    first, second = load(tmp_path)["set"].cases
    assert (first.input, second.input) == ({"query": "why?"}, {"query": "how?"})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("step: classify", "", "a set is of a step or of a pattern"),
        ("step: classify", "step: a\npattern: b", "a set is of a step or of a pattern"),
        ("kind: label", "kind: guess", "measures.category"),
        ("truth: {category: general}", "truth: {colour: red}", "a truth for colour, which is not measured"),
        ("id: one", "id: a b", r"cases\.0\.id"),
        ("cases:\n", "cases:\n  - {id: one, input: {}, truth: {}}\n", "more than one case is called one"),
        ('input: {query: "why?"}', "twin: two", "a twin is of a case that stands before it"),
        (
            "cases:\n",
            f"{OTHER}  - {{id: b, twin: a, but: {{how: who}}, truth: {{}}}}\n",
            "'how' does not stand in the twin",
        ),
        ("about:", "{", "is no YAML"),
    ],
)
def test_a_set_that_cannot_be_used_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    (tmp_path / "set.yaml").write_text(GOOD.replace(old, new))
    with pytest.raises(Misconfigured, match=rf"set\.yaml.*{said}"):
        load(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no cases"):
        load(tmp_path)
