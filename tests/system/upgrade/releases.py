"""Releases of Penstock side by side, with one installation of what they need: that of the tests.

None has been published yet, so they are made here: the one before from this repository's history, the one after from
what is in this clone, with changes.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from penstock.installed import __version__
from tests.support.patience import PATIENCE
from tests.support.repository import ROOT

#: What they are called, so that each can tell the others from itself.
BEFORE, AFTER = "0.0.9", "99.0.0"
#: What is fetched for a build: the two releases have the same, and the console is not looked at.
_FETCHED = (
    "penstock/tools/mathjs",
    "services/gateway/penstock_gateway/swagger_ui",
    "services/gateway/penstock_gateway/console",
)
#: -P: what lies in the current folder is not to be imported.
_PYTHON = (sys.executable, "-P", "-m")


@dataclass(frozen=True)
class Release:
    """`site`: where it is installed, or None for what is in this clone. `command` and `env` run it."""

    name: str
    site: Path | None = None
    command: tuple[str, ...] = field(default=(*_PYTHON, "penstock"), init=False)

    @property
    def env(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.site)} if self.site else {}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command, from start to end."""
        env = {**os.environ, **self.env, **environment}
        return subprocess.run(
            [*self.command, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False, env=env
        )


#: The one that is tested.
TODAY = Release(__version__)


def before(commit: str, folder: Path) -> Release:
    """What `commit` was, as a wheel that is called `BEFORE`, installed into a folder of its own."""
    source = folder / "source"
    archive = _git("archive", commit)
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(source, filter="data")
    return _installed(source, folder, BEFORE)


def after(folder: Path, changes: Mapping[str, Mapping[str, str]]) -> Release:
    """What is in this clone, and `changes` of it: by file, what stands in the place of what. It is called `AFTER`."""
    source = folder / "source"
    for name in _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").decode().split("\0"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    for name, texts in changes.items():
        text = (source / name).read_text()
        for old, new in texts.items():
            assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        (source / name).write_text(text)
    return _installed(source, folder, AFTER)


def _installed(source: Path, folder: Path, name: str) -> Release:
    for fetched in _FETCHED:
        shutil.copytree(ROOT / fetched, source / fetched)
    project = source / "pyproject.toml"
    project.write_text(re.sub(r'(?m)^version = ".*"$', f'version = "{name}"', project.read_text(), count=1))
    _pip("wheel", "--no-build-isolation", "-w", str(folder), str(source))
    (wheel,) = folder.glob("*.whl")
    _pip("install", "--target", str(folder / "site"), str(wheel))
    return Release(name, folder / "site")


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, f"{done.stderr.decode()}: releases are made from the history, `git fetch --unshallow`"
    return done.stdout


def _pip(*arguments: str) -> None:
    # the build hook would fetch what is there
    env = {**os.environ, "HATCH_BUILD_NO_HOOKS": "true"}
    command = [*_PYTHON, "pip", "--quiet", "--disable-pip-version-check", *arguments, "--no-deps"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
