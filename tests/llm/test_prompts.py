"""Prompt files: what they hold, what they are given, and what callers cannot do to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.contracts.prompt import Prompt
from penstock.contracts.wire import Wire
from penstock.errors import Misconfigured
from penstock.steps.prompts import MATERIAL, PromptFile, quoted


class Asked(Wire):
    query: str
    expertise: list[str] = []
    evaluation: Evaluation | None = None


class Evaluation(Wire):
    final_score: float


def prompt(folder: Path, text: str) -> PromptFile:
    (folder / "respond.md").write_text(text, encoding="utf-8")
    return PromptFile.load(folder, "respond", Asked)


def said(prompt: Prompt) -> tuple[str, str]:
    (turn,) = prompt.turns
    assert turn.role == "user"
    system, _, material = prompt.system.partition("\n\n")
    assert material == MATERIAL, "each prompt says what is material, in the same words"
    return system, turn.text


def test_a_file_holds_the_system_text_and_the_user_text(tmp_path: Path) -> None:
    file = prompt(tmp_path, "You answer.\n---\nAnswer this: {{ query }}\n")
    assert said(file.render(Asked(query="why?"))) == ("You answer.", 'Answer this: "why?"')


def test_only_the_first_separator_separates(tmp_path: Path) -> None:
    file = prompt(tmp_path, "One.\n---\nTwo.\n---\nThree: {{ query }}")
    assert said(file.render(Asked(query="\n---\n"))) == ("One.", "Two.\n---\nThree: \n```text\n\n---\n\n```")


def test_blocks_leave_no_lines_behind(tmp_path: Path) -> None:
    file = prompt(tmp_path, "S\n---\nA\n  {% for one in expertise %}\n- {{ one }}\n  {% endfor %}\nB {{ query }}")
    assert said(file.render(Asked(query="q", expertise=["x", "y"])))[1] == 'A\n- "x"\n- "y"\nB "q"'


def test_models_are_read_by_their_python_names(tmp_path: Path) -> None:
    file = prompt(tmp_path, "S\n---\n{{ query }}{% if evaluation %} {{ evaluation.final_score }}{% endif %}")
    assert said(file.render(Asked(query="q", evaluation=Evaluation(final_score=7))))[1] == '"q" 7.0'
    assert said(file.render(Asked(query="q")))[1] == '"q"'


@pytest.mark.parametrize("injected", ["{{ 7 * 7 }}", "{% for x in y %}", "{# gone #}", "{{ query }}", "<b>&</b>"])
def test_what_a_caller_writes_is_never_a_template(tmp_path: Path, injected: str) -> None:
    file = prompt(tmp_path, "S {{ query }}\n---\n{{ query }}\n{{ query | quoted }}")
    assert said(file.render(Asked(query=injected))) == (f'S "{injected}"', f'"{injected}"\n```text\n{injected}\n```')


@pytest.mark.parametrize("long", ["two\nlines", "para\u2029graphs", "x" * 301, ["a list"], Evaluation(final_score=1)])
def test_what_is_longer_than_a_line_is_fenced_by_itself(tmp_path: Path, long: object) -> None:
    file = prompt(tmp_path, "S\n---\nOf {{ query }} he says:")
    asked: Any = Asked.model_construct(query=long)  # type: ignore[arg-type]
    assert said(file.render(asked))[1] == f"Of \n{quoted(long)}\n he says:"


@given(st.text(st.sampled_from("`~\na"), max_size=40))
def test_a_fence_cannot_be_closed_from_inside(text: str) -> None:
    fence, _, rest = quoted(text).partition("text\n")
    assert set(fence) == {"`"}
    assert rest == f"{text}\n{fence}"
    assert fence not in text


def test_models_are_quoted_as_json() -> None:
    assert quoted(Evaluation(final_score=7)) == '```text\n{\n  "finalScore": 7.0\n}\n```'
    assert quoted(["a"]) == '```text\n[\n  "a"\n]\n```'


@pytest.mark.parametrize(
    ("text", "delivered"),
    [
        ("no separator", "a line of only ---"),
        ("S\n---\n \n", "user text"),
        ("S\n---\n{{ question }}", "question: Asked has query, expertise, evaluation"),
        ("{{ question }}\n---\n{{ query }}", "question"),
        ("S\n---\n{{ query", "not a template"),
        ("S\n---\n{{ query | shouted }}", "shouted"),
    ],
)
def test_a_file_that_cannot_work_is_refused_when_it_is_loaded(tmp_path: Path, text: str, delivered: str) -> None:
    with pytest.raises(Misconfigured, match=delivered):
        prompt(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no prompt respond\.md in"):
        PromptFile.load(tmp_path, "respond", Asked)


@pytest.mark.parametrize(
    "use", ["{{ evaluation.rating }}", "{{ evaluation.rating | quoted }}", "{{ query.__class__.mro() }}"]
)
def test_what_an_input_does_not_have_is_refused_when_it_is_rendered(tmp_path: Path, use: str) -> None:
    file = prompt(tmp_path, f"S\n---\n{use}")
    with pytest.raises(Misconfigured, match="does not fit Asked"):
        file.render(Asked(query="q", evaluation=Evaluation(final_score=1)))
