"""What differs in each replay or each process, in a pattern's function and those of its file that it gives its run to.

Replays find most of it, and not what is the same whenever a test runs: a date, the order of a set.
"""

import ast
import inspect
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from penstock.checks.fault import Fault, tree
from penstock.mistakes import shown
from penstock.pattern import Pattern

_TIME = "another time in each replay: await run.now()"
_CHANCE = "another value in each replay: run.uuid() or run.random()"
_ORDER = "in another order in each process: sort it, sorted(…)"
_CALLS: dict[Any, str] = {
    **dict.fromkeys((time.time, time.time_ns, time.monotonic, time.perf_counter, datetime.now, datetime.today), _TIME),
    **dict.fromkeys((date.today, datetime.utcnow), _TIME),
    **dict.fromkeys((uuid.uuid1, uuid.uuid4, os.urandom), _CHANCE),
}
#: What goes through all of its first argument, and keeps its order.
_ORDERED = {"list", "tuple", "enumerate", "iter", "map", "zip", "reversed"}
_SETS = {"set", "frozenset"}


def faults(pattern: Pattern[Any, Any]) -> Iterator[Fault]:
    file = inspect.getsourcefile(pattern.run) or ""
    known = vars(sys.modules[pattern.run.__module__])
    functions = {one.name: one for one in tree(file).body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    waiting = [pattern.run.__name__]
    for name in waiting:
        for node in ast.walk(functions[name]) if name in functions else ():
            if isinstance(node, ast.Name) and node.id not in waiting and _is_given_a_run(functions.get(node.id)):
                waiting.append(node.id)
            if what := _impure(node, known):
                where = shown((file, getattr(node, "lineno", 0) or node.iter.lineno))  # type: ignore[attr-defined]
                yield Fault(pattern=pattern.name, where=where, sentence=what)


def _is_given_a_run(function: ast.FunctionDef | ast.AsyncFunctionDef | None) -> bool:
    given = function.args.args if function else ()
    return any(one.annotation and ast.unparse(one.annotation).endswith("Run") for one in given)


def _impure(node: ast.AST, known: dict[str, Any]) -> str | None:
    """What is wrong with it, whether it is a call or goes through something."""
    through: ast.AST | None = None
    match node:
        case ast.Call(func=func, args=args):
            called = _resolved(func, known)
            if getattr(called, "__self__", None) is getattr(random.random, "__self__", ...):
                return f"{ast.unparse(func)}() gives {_CHANCE}"
            if (why := _CALLS.get(called) if callable(called) else None) is not None:
                return f"{ast.unparse(func)}() gives {why}"
            ordered = isinstance(func, ast.Name) and func.id in _ORDERED
            joins = isinstance(func, ast.Attribute) and func.attr == "join"
            through = args[0] if args and (ordered or joins) else None
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            through = node.iter
        case ast.Starred():
            through = node.value
    if through is None or not _is_set(through):
        return None
    return f"{ast.unparse(through)} comes {_ORDER}"


def _is_set(node: ast.AST) -> bool:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SETS
    return called or isinstance(node, ast.Set | ast.SetComp)


def _resolved(node: ast.expr, known: dict[str, Any]) -> Any:
    """What a name, or a name of a name, stands for in the module; None if that cannot be told."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute) and (owner := _resolved(node.value, known)) is not None:
        return getattr(owner, node.attr, None)
    return None
