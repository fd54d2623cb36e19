"""What a file was in a revision of the repository that it is in."""

import subprocess
from pathlib import Path


def shown(revision: str, file: Path) -> bytes | None:
    """Its content; None where it was not there, or there is no such revision. Raises OSError without git or folder."""
    return _git(file, "show", f"{revision}:./{file.name}")


def is_revision(revision: str, file: Path) -> bool:
    return _git(file, "rev-parse", "--verify", f"{revision}^{{commit}}") is not None


def _git(beside: Path, *arguments: str) -> bytes | None:
    done = subprocess.run(["git", *arguments], cwd=beside.parent, capture_output=True, check=False)  # noqa: S603, S607
    return done.stdout if done.returncode == 0 else None
