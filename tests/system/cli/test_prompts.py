"""`penstock prompts`: which there are, how one reads when it is sent, and what differs from a revision."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.system.cli.system import penstock

RECORDED = Path(__file__).parents[2] / "evals/recorded"


def test_a_prompt_is_shown_as_it_is_sent() -> None:
    shown = penstock("prompts", "render", "classify", "--input", "-", stdin='{"query": "Where is ``` my order?"}')
    assert shown.returncode == 0, shown.stderr
    system, user = shown.stdout.split("\n---\n")
    assert system.startswith("You sort incoming customer queries")
    assert "````text\nWhere is ``` my order?\n````" in user


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["render", "classify"], None, "--input FILE is needed, a JSON object of query"),
        (["render", "classify", "--input", "-"], '{"question": 1}', "--input: /query: Field required"),
        (["render", "no-such-step"], None, "there is no prompt of a step 'no-such-step'"),
        (["diff", "no-such-revision"], None, "no-such-revision is no revision"),
    ],
)
def test_what_cannot_be_shown_is_said(arguments: list[str], stdin: str | None, said: str) -> None:
    shown = penstock("prompts", *arguments, stdin=stdin)
    assert (shown.returncode, said in shown.stderr) == (2, True), shown.stderr


def test_texts_that_differ_from_a_revision_are_shown(tmp_path: Path) -> None:
    module, prompts = tmp_path / "tickets.py", tmp_path / "prompts"
    module.write_text((RECORDED / "tickets.py").read_text())
    prompts.mkdir()
    prompt = prompts / "sort-ticket.md"
    prompt.write_text((RECORDED / "prompts/sort-ticket.md").read_text())
    me = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    for arguments in (("init", "-q"), ("add", "."), (*me, "commit", "-qm", "first")):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, env={"PATH": os.environ["PATH"]})
    prompt.write_text(prompt.read_text().replace("You sort", "You gladly sort"))
    env = {"PENSTOCK_PATTERNS": "tickets:PATTERN", "PYTHONPATH": str(tmp_path)}
    shown = penstock("prompts", "diff", "HEAD", **env)
    assert shown.returncode == 1, shown.stderr
    assert "-You sort tickets of a company's staff.\n+You gladly sort tickets" in shown.stdout
