"""What is installed: the version, and what each extra brings, so that a missing one is said in a line."""

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec

from penstock.errors import Misconfigured

__version__ = version("penstock")

_CLIENT = ("httpx", "httpx_sse", "nats")
_CLI = ("typer", "rich")
_SERVICES = (
    "faststream",
    "prometheus_client",
    "google.genai",
    "httpx2",
    "genai_prices",
    "jinja2",
    "fastapi",
    "starlette",
    "uvicorn",
    "httptools",
    "uvloop",
    "httpcore",
    "standardwebhooks",
)
_TOOLS = ("quickjs",)

#: extra -> what it brings, by the names that are imported. The first that brings something is the smallest.
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "client": _CLIENT,
    "cli": _CLIENT + _CLI,
    "services": _CLIENT + _CLI + _SERVICES,
    "tools": _TOOLS,
    "all": _CLIENT + _CLI + _SERVICES + _TOOLS,
}


def advice(error: ModuleNotFoundError) -> str | None:
    """What to install, if one of the extras brings what could not be imported."""
    missing = error.name or ""
    for extra, modules in EXTRAS.items():
        if any(f"{module}.".startswith(f"{missing}.") for module in modules):
            return _install(missing, extra)
    return None


def require(extra: str) -> None:
    """Raises Misconfigured, saying what to install, unless all is there that the extra brings."""
    for module in EXTRAS[extra]:
        try:
            found = find_spec(module)
        except ModuleNotFoundError:  # the package that it is in
            found = None
        if found is None:
            raise Misconfigured(_install(module, extra))


def _install(missing: str, extra: str) -> str:
    return f'{missing} is not installed: pip install "penstock[{extra}]"'
