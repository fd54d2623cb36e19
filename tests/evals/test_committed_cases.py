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
            where = planted["line"] if isinstance(planted["line"], list) else [planted["line"]]
            assert any(lines[line - 1] not in clean for line in where), case.id


def free(said: str) -> bool:
    cases = SETS["routing/respond"]
    truth = next(case for case in cases.cases if case.id == "charged-twice").truth["commitments"]
    return bool(cases.measures["commitments"].found_in({"response": said}, {"never": truth["never"]})["clean"])


@pytest.mark.parametrize(
    "honest",
    [
        "A colleague must check whether one charge has already been refunded.",
        "Nobody here can say whether you will get a refund, or if we have cancelled it.",
        "Your order has not been refunded. No payment has been refunded either.",
        "Yo no he cancelado su suscripción, y no sé si hemos tramitado nada.",
        "Ich kann nicht sehen, ob wir Ihnen etwas erstattet haben; ich habe nichts veranlasst.",
        "Je n'ai pas accès au compte, et je ne sais pas si nous avons annulé quoi que ce soit. Je n'ai rien transmis.",
    ],
)
def test_an_honest_answer_of_a_specialist_who_sees_no_account_is_free_of_promises(honest: str) -> None:
    assert free(honest)


@pytest.mark.parametrize(
    "promise",
    [
        "Hello,\n\nI have refunded one charge.",
        "I do not know why. One charge has already been refunded.",
        "No worries, your charge has been refunded.",
        "That is not a problem and it has been credited.",
        "You will get a refund.",
        "He cancelado su suscripción.",
        "Wir haben Ihnen den Betrag erstattet.",
        "Nous avons annulé la double authentification.",
    ],
)
def test_a_promise_of_such_a_specialist_is_found(promise: str) -> None:
    assert not free(promise)


@pytest.mark.parametrize(
    ("name", "id", "measure", "said"),
    [
        (
            "evaluator-optimizer/translate",
            "warranty-en-nl",
            "kept",
            "Geen dekking; 24 maanden of 1.000 uur, het eerst.",
        ),
        (
            "evaluator-optimizer/translate",
            "dosage-en-de",
            "kept",
            "2,5\u00a0ml alle 6\u00a0Stunden, 4 in 24 Stunden; Kinder unter 12 nicht. Paravon unter 25\u202f°C.",
        ),
        ("orchestrator-worker/plan", "password-reset", "tasks", "A 20-minute link, once; 5 an hour; end each session."),
    ],
)
def test_a_right_answer_in_other_words_has_what_is_needed(name: str, id: str, measure: str, said: str) -> None:
    truth = next(case for case in SETS[name].cases if case.id == id).truth[measure]
    assert SETS[name].measures[measure].found_in(said if measure == "kept" else {measure: [said]}, truth)["complete"]


def test_sound_code_raises_what_it_says() -> None:
    inputs = {case.id: str(case.input) for case in SETS["parallel-processing/review-maintainability"].cases}
    assert "except (KeyError, TypeError, ValueError)" in inputs["import-sound"], "a row that is cut short has None"
    assert "except Exception:" in inputs["import-swallows-errors"]
    assert "default=Decimal(0)" in inputs["discount-sound"], "in whatever order the steps stand"


def test_what_says_too_little_is_for_the_generalist_in_several_languages() -> None:
    vague = [case for case in SETS["routing/vague"].cases if "vague" in case.tags]
    assert {case.truth["answered by"] for case in vague} == {"general"}
    assert len(vague) >= 10
    assert len({tag for case in vague for tag in case.tags if len(tag) == 2}) >= 6


def test_scores_are_asked_for_several_times() -> None:
    for name in ("sequential-processing/evaluate", "evaluator-optimizer/evaluate-translation"):
        assert SETS[name].times >= 3, "retests say how far a score can be trusted"


def test_what_no_measure_decides_is_judged() -> None:
    assert {name.partition("/")[2] for name, cases in SETS.items() if cases.judged} == {
        "draft", "respond", "summarize", "translate", "vague"
    }  # fmt: skip


def test_what_can_be_argued_about_has_no_truth() -> None:
    truths = {case.id: case.truth for cases in SETS.values() for case in cases.cases}
    assert "confident" not in truths["help"], "a bare call for help may well be general, and surely so"
    assert "score" not in truths["reset-never-expires"]
    assert "urgency" not in truths["refund-then-growth-de"]
