"""The catalogue has every code that is used, and none that is not."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.contracts import error_codes
from penstock.contracts.error_codes import CODES, FAILURES, REFUSALS
from penstock.errors import Failure, Transient
from tests.support.repository import ROOT

CATALOGUE = Path(error_codes.__file__)
SOURCES = [path for folder in ("penstock", "services") for path in (ROOT / folder).rglob("*.py") if path != CATALOGUE]


def subclasses(kind: type[BaseException]) -> Iterator[str]:
    yield kind.__name__
    for one in kind.__subclasses__():
        yield from subclasses(one)


RAISED = {*subclasses(Failure), *subclasses(Transient)}
#: Those of them that give their code themselves; what they are called with is a detail.
OWN_CODE = {"InvalidRequest", "OutputTruncated", "OutputInvalid", "ModelUnavailable", "SandboxBroken", "StepFailed"}


def codes(tree: ast.AST) -> Iterator[str]:
    """What is raised with a code, built with one, compared with one or given to a dead letter as its reason."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in RAISED - OWN_CODE and node.args:
                yield from texts(node.args[0])
            if name == "dead_letter" and len(node.args) > 1:
                yield from texts(node.args[1])
            for keyword in node.keywords:
                if keyword.arg == "code" and name in ("Problem", "StepRetrying"):
                    yield from texts(keyword.value)
        elif isinstance(node, ast.Compare) and getattr(node.left, "attr", "") == "code":
            yield from (text for right in node.comparators for text in texts(right))
        elif isinstance(node, ast.ClassDef) and node.name in OWN_CODE:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "__init__" and call.args:
                    yield from texts(call.args[0])


def texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_code_that_is_used_is_in_the_catalogue(path: Path) -> None:
    unknown = set(codes(ast.parse(path.read_text()))) - CODES.keys()
    assert not unknown, f"add to penstock/contracts/error_codes.py, or use one of its codes: {unknown}"


def test_every_code_in_the_catalogue_is_used() -> None:
    used = {text for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) for text in texts(node)}
    unused = CODES.keys() - used - {"budget_exhausted", "rejected"}  # which patterns of others raise
    assert not unused, unused


def test_it_says_of_each_what_it_means_and_what_to_do() -> None:
    assert not REFUSALS.keys() & FAILURES.keys()
    for name, code in CODES.items():
        assert 400 <= code.status < 600, name
        assert code.title
        assert code.title[-1] != "."
        assert code.advice.endswith("."), name
        assert (code.retry_after is None) or name in REFUSALS
