"""What we build, and virtual environments that have nothing else: from the sdist to a wheel to `pip install`."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[3]
_UV = shutil.which("uv")


def built(folder: Path) -> tuple[Path, Path]:
    """The sdist, and the wheel that pip makes of it."""
    _run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder))
    (sdist,) = folder.glob("*.tar.gz")
    _run(*_pip("wheel"), "--no-deps", "--no-build-isolation", "-w", str(folder), str(sdist))
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


class Environment:
    """A virtual environment with `wheel` and its `extra`, and `others`, in the versions that requirements.lock says."""

    def __init__(self, folder: Path, wheel: Path, extra: str = "", *others: str) -> None:
        self.bin = folder / "bin"
        venv.create(folder, symlinks=True)
        locked = re.findall(r"^(\S+==\S+(?: ;.*?)?)(?: \\)?$", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join(locked))
        python = str(self.bin / "python")
        install = (_UV, "pip", "install", "--python", python) if _UV else (*_pip("--python", python), "install")
        _run(*install, "--quiet", "-c", str(constraints), f"{wheel}[{extra}]" if extra else str(wheel), *others)

    def run(self, command: str, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of the environment, with nothing of the repository on any path."""
        ours = ("PENSTOCK_", "PYTHON", "GEMINI_", "GOOGLE_", "VIRTUAL_ENV")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return subprocess.run(
            [str(self.bin / command), *arguments],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            cwd=cwd,
            env={**inherited, **environment},
        )


def _pip(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments)


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
