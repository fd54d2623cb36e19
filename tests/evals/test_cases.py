"""A folder of cases that cannot be used is refused with its file and field."""

from pathlib import Path

import pytest

from penstock.errors import Misconfigured
from penstock.evals.cases import load
from penstock.evals.running import check
from penstock.patterns.loading import load as patterns

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


MEASURE, TRUTH = "{kind: label, at: /category}", "{category: general}"


@pytest.mark.parametrize(
    ("measure", "truth", "said"),
    [
        (MEASURE, "[general]", ""),
        (MEASURE, ".nan", ""),
        ("{kind: words}", '{never: ["("]}', r"never: 0: .*regular expression"),
        ("{kind: words}", "[refund]", ""),
        ("{kind: words}", "{nevr: [refund]}", "nevr"),
        ("{kind: findings}", "null", ""),
        ("{kind: findings}", "[{line: 3}]", "0: words"),
        ("{kind: number, verified: /v}", "'5'", ""),
        ("{kind: number, verified: /v}", ".inf", ""),
        ("{kind: scores, threshold: 7}", "1", ""),
        ("{kind: language}", "german", ""),
    ],
)
def test_a_truth_that_nothing_can_be_measured_by_is_named(tmp_path: Path, measure: str, truth: str, said: str) -> None:
    (tmp_path / "set.yaml").write_text(GOOD.replace(MEASURE, measure).replace(TRUTH, f"{{category: {truth}}}"))
    with pytest.raises(Misconfigured, match=rf"set\.yaml.*case one: the truth for category: .*{said}"):
        load(tmp_path)


ALIASES = "\n".join(f"        b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 10)}]" for n in range(1, 9))
MERGES = "\n".join(f"  m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 10)}]}}" for n in range(1, 9))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
        pytest.param(b"a: " + b"[" * 5000, id="too deep to be read"),
        pytest.param(b"a: " + b"[" * 60 + b"]" * 60, id="too deep"),
        pytest.param(b"&a [*a]", id="a list in itself"),
        pytest.param(b"about: &a {b: *a}\n", id="a mapping in itself"),
        pytest.param(b"about: 2024-99-99\n", id="no date"),
        pytest.param(b"cases: [{id: [a], twin: b}]\n", id="an id that is none"),
        pytest.param(GOOD.encode() + b"  - {id: two, twin: one, but: [a], truth: {}}\n", id="twin without differences"),
        pytest.param(b"cases: !!python/object/apply:os.system ['true']", id="a tag"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_hostile_yaml_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.yaml").write_bytes(content)
    with pytest.raises(Misconfigured, match=r"set\.yaml"):
        load(tmp_path)


@pytest.mark.parametrize("bomb", [f"a:\n        b0: &b0 [x]\n{ALIASES}\n", f"m:\n  m0: &m0 {{a: b}}\n{MERGES}\n"])
def test_a_few_lines_of_aliases_are_not_written_out(tmp_path: Path, bomb: str) -> None:
    (tmp_path / "set.yaml").write_text(bomb + GOOD)
    with pytest.raises(Misconfigured, match=r"set\.yaml is no YAML that can be used: written out it has"):
        load(tmp_path)


def test_twins_that_double_end(tmp_path: Path) -> None:
    twins = "".join(
        f"  - {{id: t{n}, twin: {f't{n - 1}' if n else 'one'}, but: {{y: yyyyyyyyyy}}, truth: {{}}}}\n"
        for n in range(20)
    )
    (tmp_path / "set.yaml").write_text(GOOD + twins)
    with pytest.raises(Misconfigured, match="a twin grew too large"):
        load(tmp_path)


def test_a_folder_that_is_called_like_a_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "set.yaml").write_text(GOOD)
    assert [*load(tmp_path)] == ["set"]


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("os:system", "is not in penstock.patterns.routing, where the pattern is"),
        ("penstock.patterns.routing_of_others:score", "is not in penstock.patterns.routing"),
        ("penstock.patterns.routing.pattern:CLASSIFY", "is no function"),
        ("penstock.patterns.routing.nowhere:score", "cannot be imported"),
        ("penstock.patterns.routing:nothing", "cannot be imported"),
    ],
)
def test_a_score_is_computed_in_the_package_of_the_pattern_or_not_at_all(tmp_path: Path, by: str, said: str) -> None:
    (tmp_path / "set.yaml").write_text(
        GOOD.replace(MEASURE, f"{{kind: scores, threshold: 1, by: '{by}'}}").replace(TRUTH, "{category: true}")
    )
    with pytest.raises(Misconfigured, match=f"set: category: by: '{by}' {said}"):
        check(load(tmp_path), patterns())


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no cases"):
        load(tmp_path)
