"""`docs/your-own-pattern.md` shows the project's files as they are, whole or in part."""

import re
from pathlib import Path

from tests.support.repository import ROOT

PROJECT = ROOT / "examples" / "expenses"
GUIDE = (ROOT / "docs" / "your-own-pattern.md").read_text()
QUOTED = re.findall(r"^`{3,4}(?:python|jinja)\n(.*?)^`{3,4}$", GUIDE, re.MULTILINE | re.DOTALL)


def sources() -> list[Path]:
    files = [*PROJECT.rglob("*.py"), *PROJECT.rglob("prompts/*.md")]
    return [path for path in files if path.name != "__init__.py"]


def test_what_the_guide_quotes_stands_in_a_file() -> None:
    texts = [path.read_text() for path in sources()]
    for quoted in QUOTED:
        assert any(f"\n{quoted}" in f"\n{text}" for text in texts), f"no file has\n{quoted}"


def test_something_of_every_file_of_the_project_is_quoted() -> None:
    """Of the first step and of the test all."""
    for path in sources():
        assert any(quoted in path.read_text() for quoted in QUOTED), f"nothing of {path.relative_to(PROJECT)} is quoted"
    for name in ("patterns/receipt/pattern.py", "patterns/receipt/prompts/read.md", "tests/test_expenses.py"):
        assert (PROJECT / name).read_text() in QUOTED, name
