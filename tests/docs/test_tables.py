"""What the docs show of the code is what the code has."""

import inspect
import re
import runpy
import tomllib

from penstock.patterns import PATTERNS, routing
from tests.support.repository import ROOT

PROSE = ("docs", "examples", "tests")


def test_settings_errors_and_metrics_are_documented_as_they_are() -> None:
    """`python docs/tables.py` brings them up to date."""
    tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))
    assert (ROOT / "docs" / "settings.md").read_text() == tables["settings"]()
    assert (ROOT / "docs" / "errors.md").read_text() == tables["errors"]()
    assert (ROOT / "docs" / "metrics.md").read_text() == tables["metrics"]()


def test_the_cost_of_each_pattern_is_in_the_table() -> None:
    """`make costs` brings it up to date."""
    rows = (ROOT / "docs" / "patterns.md").read_text().partition("<!-- costs -->")[2].partition("<!-- /costs -->")[0]
    assert re.findall(r"^\| ([a-z-]+-[a-z-]+|routing) \|", rows, re.MULTILINE) == [pattern.name for pattern in PATTERNS]


def test_the_readme_shows_the_coroutine_of_routing_as_it_is() -> None:
    assert f"```python\n{inspect.getsource(routing.PATTERN.run)}```" in (ROOT / "README.md").read_text()


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link in a Markdown file of ours names a file that is there."""
    for document in [path for folder in PROSE for path in (ROOT / folder).rglob("*.md")] + list(ROOT.glob("*.md")):
        if "node_modules" in document.parts:
            continue
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.relative_to(ROOT)} links to {target}"


def test_every_folder_of_tests_is_in_their_index() -> None:
    index = (ROOT / "tests" / "README.md").read_text()
    folders = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/*.py")}
    assert {folder for folder in folders if f"[{folder}]({folder})" not in index} == set()


def test_the_folders_are_drawn_in_the_order_that_is_checked() -> None:
    """What `lint-imports` checks, and all there is in `penstock/`."""
    _, *checked = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    drawing = (ROOT / "docs" / "architecture.md").read_text().partition("## Which folder")[2].split("```")[1]
    _, *drawn = [line[:48].split() for line in drawing.strip().splitlines()]
    names = [{name.removeprefix("penstock/").removesuffix(".py").strip("/") for name in line} for line in drawn]
    assert names == [set(layer.replace("penstock.", "").split(" | ")) for layer in checked]
    there = {path.stem for path in (ROOT / "penstock").iterdir() if path.name[0] not in "_."}
    assert set.union(*names) == there - {"py"}
