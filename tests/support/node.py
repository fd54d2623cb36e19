"""Node and npm, and packages as a lock file says."""

import hashlib
import runpy
import shutil
import subprocess
from pathlib import Path

from tests.support.repository import ROOT


def tool(name: str) -> str:
    """The path of `node` or `npm`. A test that needs them fails where they are not."""
    found = shutil.which(name)
    assert found, f"{name} is needed for these tests: install Node.js 20 or newer"
    return found


def install(folder: Path) -> None:
    """`npm ci` in a folder, unless what is installed there (git-ignored) is what its lock file says."""
    modules = folder / "node_modules"
    digest = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    installed = modules / f".installed-{digest[:16]}"
    if installed.exists():
        return
    command = [tool("npm"), "ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"npm ci failed:\n{done.stdout}{done.stderr}"
    installed.touch()


def modules() -> Path:
    """The packages of npm/, with those that only tests need."""
    runpy.run_path(str(ROOT / "npm" / "assets.py"))["ensure_modules"](dev=True)
    return ROOT / "npm" / "node_modules"
