"""A pattern is replayed: it may depend on nothing that differs the second time."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import penstock.patterns
from penstock.patterns import PATTERNS, AnyPattern

FOLDER = Path(penstock.patterns.__file__).parent
FILES = sorted(path for path in FOLDER.glob("*/*.py") if path.name not in ("__init__.py", "contract.py"))
STANDARD = {
    "asyncio",
    "collections",
    "collections.abc",
    "dataclasses",
    "decimal",
    "functools",
    "graphlib",
    "itertools",
    "json",
    "re",
} | {"typing"}
OURS = (
    "penstock.contracts",
    "penstock.depends",
    "penstock.errors",
    "penstock.mcp",
    "penstock.pattern",
    "penstock.tools",
)
#: It reads its instructions where it is made, not where it runs.
ALSO = {"tool_agent/pattern.py": {"pathlib"}}
#: Of asyncio only what waits for other coroutines: no clock, no I/O.
ASYNCIO = {"gather", "create_task", "TaskGroup", "as_completed", "wait", "Semaphore", "Task", "FIRST_COMPLETED"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_pattern_imports_only_what_replays_alike(path: Path) -> None:
    """Contracts, errors, `Run` and the table of tools: no clock, no randomness, no NATS, no model."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for name in names:
            also = ALSO.get(f"{path.parent.name}/{path.name}", set())
            assert name in STANDARD | {"pydantic"} | also or name.startswith(OURS), f"{path.name} imports {name}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "asyncio":
            assert node.attr in ASYNCIO, f"{path.name} uses asyncio.{node.attr}"


def test_the_patterns_drag_in_no_machinery() -> None:
    """What they import imports nothing of the kind either."""
    forbidden = (
        "nats",
        "faststream",
        "google",
        "httpx",
        "fastapi",
        "quickjs",
        "mcp",
        "penstock.jetstream.bus",
        "penstock.llm.client",
    )
    program = f"import penstock.patterns, sys; print([name for name in {forbidden!r} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_pattern_is_short_and_begins_with_its_drawing(path: Path) -> None:
    """Under 80 lines, and the docstring shows the flow."""
    text = path.read_text()
    assert len(text.splitlines()) < 80
    if "PATTERN = " in text:
        assert "──▶" in (ast.get_docstring(ast.parse(text)) or "")


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_the_folder_of_a_pattern_has_it_whichever_way_it_is_imported(pattern: AnyPattern) -> None:
    """`from penstock.patterns.routing import PATTERN`, and `penstock.patterns.routing.PATTERN`."""
    folder = pattern.name.replace("-", "_")
    imported = importlib.import_module(f"penstock.patterns.{folder}")
    assert imported.PATTERN is pattern
    assert getattr(penstock.patterns, folder) is imported
