"""Which patterns the project in a folder has: what its pyproject.toml names, or its folder `patterns`."""

import os
import stat
import tomllib
from collections.abc import Sequence
from pathlib import Path

from penstock.errors import Misconfigured

#: Where patterns are looked for, if pyproject.toml names none.
FOLDER = "patterns"


def found(project: Path) -> tuple[str, ...]:
    """As PENSTOCK_PATTERNS would name them, folders absolutely. Nothing is imported here.

    `[tool.penstock] patterns = ["flows/", "mine.letters:PATTERN"]` in pyproject.toml, else `patterns/` if there is one;
    `patterns = []` is none. Raises Misconfigured for a pyproject.toml that cannot be read, or names something else.
    """
    try:
        table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        named = table.get("tool", {}).get("penstock", {}).get("patterns")
    except FileNotFoundError:
        named = None
    except (OSError, ValueError, AttributeError) as error:
        raise Misconfigured(f"{project / 'pyproject.toml'} cannot be read: {error}") from error
    if named is None:
        named = [f"{FOLDER}/"] if (project / FOLDER).is_dir() else []
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        raise Misconfigured(f"{project / 'pyproject.toml'}: [tool.penstock] patterns has to be a list of texts")
    names = tuple(str((project / name).resolve()) if "/" in name else name for name in named)
    if unsayable := [name for name in names if "," in name]:
        raise Misconfigured(f"{unsayable[0]!r} has a comma in it, which separates the names of patterns")
    return names


def why_not(project: Path, names: Sequence[str]) -> str | None:
    """Why they are not loaded by themselves: somebody else may have put them there, as into a shared /tmp."""
    about = os.stat(project)
    if about.st_uid in (os.geteuid(), 0) and not about.st_mode & stat.S_IWOTH:
        return None
    return (
        f"the patterns in {project} are not loaded: others than you can write there. "
        f"If they are yours, set PENSTOCK_PATTERNS={','.join(names)}"
    )
