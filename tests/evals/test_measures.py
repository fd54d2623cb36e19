"""Figures from evidence: each says what it should of outputs whose truth is known."""

from typing import Any

import pytest

from penstock.evals.measures import Findings, Label, Language, Number, Scores, Words, found


def figures(measure: Any, cases: list[tuple[Any, list[Any]]]) -> dict[str, float | None]:
    evidence = [[measure.found_in(one, truth) for one in outputs] for truth, outputs in cases]
    return {name: figure.of(evidence) for name, figure in measure.figures.items()}


def test_labels_are_right_or_not_and_rare_ones_count_as_much() -> None:
    said = [("a", "a"), ("a", "a"), ("a", "a"), ("b", "a")]
    shown = figures(Label(kind="label", at="/x"), [(truth, [{"x": label}]) for truth, label in said])
    assert shown["right"] == 0.75
    assert shown["macro F1"] == pytest.approx((6 / 7 + 0) / 2), "b was never found"


def test_findings_count_once_and_what_is_found_beside_is_false() -> None:
    """What is told twice was found once; the second time is no error."""
    planted = [{"words": ["injection"], "line": 3}, {"words": ["secret", "password"], "line": 9}]
    report = [
        {"type": "SQL Injection", "line": 3},
        {"type": "a second injection", "line": 4},
        {"type": "hard-coded Password", "line": 8},
        {"type": "a matter of taste", "line": 1},
    ]
    cases: list[tuple[Any, list[Any]]] = [(planted, [{"found": report}]), ([], [{"found": []}])]
    shown = figures(Findings(kind="findings", at="/found"), cases)
    assert shown == {"recall": 1.0, "precision": 2 / 3, "right lines": 0.5, "clean cases left alone": 1.0}


def test_the_code_that_a_finding_copies_does_not_say_what_is_wrong_with_it() -> None:
    planted = [{"words": ["requests.get", "blocks"], "line": 3}]
    line = {"line": 3, "fragment": "requests.get(url)"}
    for said, hit in (("no time limit", 0), ("requests.get blocks the loop", 1)):
        found = Findings(kind="findings", at="").found_in([{**line, "description": said}], planted)
        assert (found["hit"], found["false"]) == (hit, 1 - hit)


def test_a_clean_case_in_which_something_is_found_is_not_left_alone() -> None:
    shown = figures(Findings(kind="findings", at=""), [([], [["a matter of taste"]])])
    assert shown["clean cases left alone"] == 0.0
    assert shown["recall"] is None, "nothing was planted"


def test_scores_separate_clean_from_corrupt() -> None:
    measure = Scores(kind="scores", at="/score", threshold=8.5)
    cases = [(True, [9, 9]), (True, [8, 8]), (False, [8, 6]), (False, [3, 3])]
    shown = figures(measure, [(clean, [{"score": one} for one in scores]) for clean, scores in cases])
    assert shown["separation"] == pytest.approx(15 / 16), "two ties of sixteen pairs of answers"
    assert (shown["clean accepted"], shown["corrupt accepted"]) == (0.5, 0.0)
    assert shown["retest deviation"] == pytest.approx(2**0.5 / 4)
    assert "spread" not in shown, "noise would win"


def test_of_a_case_that_was_asked_several_times_every_answer_counts() -> None:
    """One of three replies misses what was planted, and one of three is wrong: the first of them decides nothing."""
    findings = Findings(kind="findings", at="")
    shown = figures(findings, [([{"words": ["hole"]}], [["a hole"], [], ["a hole"]]), ([], [["taste"], [], []])])
    assert shown["recall"] == shown["clean cases left alone"] == pytest.approx(2 / 3)
    label = figures(Label(kind="label"), [("a", ["b", "a", "a"])])
    assert label["right"] == pytest.approx(2 / 3)
    scores = figures(Scores(kind="scores", threshold=5), [(True, [4, 6, 6]), (False, [5, 3, 3])])
    assert scores["clean accepted"] == pytest.approx(2 / 3)
    assert scores["corrupt accepted"] == pytest.approx(1 / 3)
    assert scores["separation"] == pytest.approx((2 + 3 + 3) / 9)


@pytest.mark.parametrize("turned", [False, True])
def test_findings_are_matched_so_that_most_are_found_and_then_most_lines_right(turned: bool) -> None:
    """The first finding could be either fault. Taken for the first one, it would leave the other finding with none."""
    planted = [{"words": ["query", "loop"], "line": 3}, {"words": ["query"], "line": [8, 9]}]
    told: list[Any] = [{"why": "a query", "line": 9}, {"why": "a loop", "line": 3}, {"why": "query", "line": 1}]
    if turned:
        planted, told = planted[::-1], told[::-1]
    found = Findings(kind="findings", at="").found_in(told, planted)
    assert found == {"planted": 2, "hit": 2, "missed": 0, "false": 0, "lines": 2, "placed": 2}


def test_a_finding_that_names_no_line_is_not_in_the_right_place() -> None:
    shown = figures(Findings(kind="findings", at=""), [([{"words": ["hole"], "line": 3}], [[{"why": "a hole"}]])])
    assert (shown["recall"], shown["right lines"]) == (1.0, 0.0)


def test_a_score_can_be_computed_from_the_output() -> None:
    measure = Scores(kind="scores", by="builtins:len", threshold=2)
    assert measure.found_in(["a", "b"], True)["score"] == 2


def test_words_are_looked_for_in_each_answer_of_a_case() -> None:
    measure = Words(kind="words", at="/response")
    cases = [
        ({"never": ["refunded"]}, [{"response": "I have REFUNDED you."}]),
        ({"never": ["refunded"], "must": ["check"]}, [{"response": "A colleague must check."}, {"response": "Wait."}]),
    ]
    assert figures(measure, cases) == {"free of what is forbidden": 2 / 3, "has what is needed": 0.5}


@pytest.mark.parametrize(
    "response",
    ["Hello,\n\nI have refunded you.", 'He wrote "I have refunded you".', ["No.", {"then": "I have refunded you"}]],
)
def test_words_are_looked_for_in_what_a_reader_sees(response: Any) -> None:
    """Not in JSON, whose escapes stand beside a word, nor in the names of fields."""
    truth = {"never": [r"\bI have refunded\b"], "must": [r"[\n ]\"?I have", r"^(?!.*response)"]}
    shown = figures(Words(kind="words"), [(truth, [{"response": response, "sure": True, "why": None}])])
    assert shown == {"free of what is forbidden": 0.0, "has what is needed": 1.0}


def test_numbers_findings_and_languages_are_told_by_what_a_reader_sees() -> None:
    number = Number(kind="number", at="/answer", verified="/verified")
    assert number.found_in({"answer": {"value7": "no", "n": [7]}}, 7)["right"]
    assert not number.found_in({"answer": {"7": "no"}}, 7)["right"]
    findings = Findings(kind="findings", at="").found_in([{"why": 'it says "x"'}], [{"words": ['says "x"']}])
    assert findings["hit"] == 1
    assert Findings(kind="findings", at="").found_in([{"why": "taste"}], [{"words": ["why"]}])["hit"] == 0
    assert Language(kind="language").found_in({"the": "Rechnung", "and": "Bestellung"}, "en") == ["en", None]


@pytest.mark.parametrize(
    ("truth", "answer", "right"),
    [
        (80.92, "80.92 euros", True),
        (80.92, "It is 1,080.5.", False),
        (80.92, "about 80.9", False),
        (80.92, "80.920000001", True),
        (80.92, "80,92 Euro", True),
        (15, "1,5", False),
        (1080.5, "It is 1,080.5.", True),
        (1080.5, "1.080,50 Euro", True),
        (-1234567, "-1,234,567", True),
        (0.333, "0,333", True),
        (1.2345, "1,2345", True),
        (5, "9" * 400, False),
    ],
)
def test_numbers_are_compared_by_value(truth: float, answer: str, right: bool) -> None:
    measure = Number(kind="number", at="/finalAnswer", verified="/verified")
    shown = figures(measure, [(truth, [{"finalAnswer": answer, "verified": True}])])
    assert (shown["right"], shown["wrong but verified"]) == (float(right), float(not right))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Die Rechnung ist nicht mit der Bestellung verbunden.", "de"),
        ("The invoice is not linked to the order, and that is wrong.", "en"),
        ("La facture n'est pas liée à la commande et nous le savons.", "fr"),
        ("El pedido no está en la factura y los clientes lo saben.", "es"),
        ("La entrega de los libros de la tienda en línea se retrasa por la huelga.", "es"),
        ("La livraison de la commande de Paris est en retard, et de nouveau en mai.", "fr"),
        ("A entrega de hoje não chegou em casa, e você não vê o estado do pedido.", "pt"),
        ("La consegna non è arrivata, e le chiediamo di controllare che il pacco si trovi nel deposito.", "it"),
        ("De levering is niet op tijd en wij zien het pakket ook niet bij de buren.", "nl"),
        ("Chambre de Paris, en mai, de nuit, de luxe", None),
        ("Die Antwort", None),
        ("12345", None),
    ],
)
def test_a_language_is_told_by_its_most_frequent_words(text: str, code: str | None) -> None:
    assert Language(kind="language").found_in(text, "de") == ["de", code]


def test_pointers_lead_to_what_is_there_and_else_to_nothing() -> None:
    output: Any = {"a": [{"b/c": 1}]}
    assert found(output, "/a/0/b~1c") == 1
    assert found(output, "") == output
    assert [found(output, pointer) for pointer in ("/x", "/a/1", "/a/0/b~1c/d", "/a/-")] == [None] * 4
