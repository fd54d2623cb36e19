"""A fault of a pattern, and where in its author's files it is."""

import ast
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from penstock.contracts.step import Step
from penstock.mistakes import shown
from penstock.pattern import Pattern


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`sentence` says what is wrong and what would do; `where` is `file:line`, as near as it can be known."""

    pattern: str
    step: str | None = None
    where: str | None = None
    sentence: str

    def __str__(self) -> str:
        what = f"{self.pattern}/{self.step}" if self.step else self.pattern
        return ": ".join(filter(None, (self.where, what, self.sentence)))


def place_of(thing: type | Callable[..., Any]) -> str | None:
    """Where a class or a function begins."""
    try:
        return shown((inspect.getsourcefile(thing) or "", inspect.getsourcelines(thing)[1]))
    except (OSError, TypeError):
        return None


def place_of_pattern(pattern: Pattern[Any, Any]) -> str | None:
    return _made(pattern, "Pattern", pattern.name) or place_of(pattern.run)


def place_of_step(pattern: Pattern[Any, Any], step: Step[Any, Any]) -> str | None:
    """Where it is made, or else its function, its input or its pattern."""
    return _made(pattern, "Step", step.name) or place_of(step.do or step.input) or place_of_pattern(pattern)


def calls(file: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(file)) if isinstance(node, ast.Call))


@cache
def tree(file: str) -> ast.Module:
    return ast.parse(Path(file).read_text(encoding="utf-8"))


def _made(pattern: Pattern[Any, Any], kind: str, name: str) -> str | None:
    """Where the file of the pattern's function has `kind(…, name="…")`."""
    file = inspect.getsourcefile(pattern.run) or ""
    for call in calls(file):
        named = {one.arg: one.value.value for one in call.keywords if isinstance(one.value, ast.Constant)}
        if named.get("name") == name and ast.unparse(call.func).rpartition(".")[2] == kind:
            return shown((file, call.lineno))
    return None
