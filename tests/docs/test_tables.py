"""The tables in the docs are those of the code."""

import re
import runpy

from tests.support.repository import ROOT


def test_settings_and_errors_are_documented_as_they_are() -> None:
    """`python docs/tables.py` brings them up to date."""
    tables = runpy.run_path(str(ROOT / "docs" / "tables.py"))
    assert (ROOT / "docs" / "settings.md").read_text() == tables["settings"]()
    assert (ROOT / "docs" / "errors.md").read_text() == tables["errors"]()


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link in a Markdown file of ours names a file that is there."""
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]:
        if "node_modules" in document.parts:
            continue
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.relative_to(ROOT)} links to {target}"
