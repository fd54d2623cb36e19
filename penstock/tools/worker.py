"""The child's end of the sandbox: loads sympy and pint, gives up its rights, then answers line by line.

python -I -m penstock.tools.worker <memory bytes> <cpu seconds> <parent's pid>
"""

import json
import os
import resource
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from penstock.tools.confinement import confine, die_with_parent, limit_cpu
from penstock.tools.maths import chance
from penstock.tools.maths.calculation import calculate
from penstock.tools.maths.errors import MathsError
from penstock.tools.maths.verification import validate

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {"calculate": calculate, "validate": validate}

#: Touches the modules that sympy and pint load on first use, so that no call waits for them or needs files.
_WARM_UP: Final = (
    "x^2 = 2", "x + y = 3; x - y = 1", "x^3 = 8", "sin(x) = 1/2", "2^x = 8",
    "12.7 cm to inch", "20 degC to degF", "sin(45 deg)^2",
    "inv([[1, 2], [3, 4]])", "derivative(x^2, x)", "integrate(x^2, x, 0, 1)", "simplify((x^2 - 1)/(x - 1))",
    "limit(sin(x)/x, x, 0)", "factor(x^2 - 1)", "eigs([[1, 2], [2, 1]])", "x y = 2; x^2 + y^2 = 5", "gamma(2.5)",
)  # fmt: skip


def main(memory_bytes: int, cpu_seconds: int, parent: int) -> None:
    die_with_parent(parent)
    requests, replies = sys.stdin.buffer, _private_stdout()
    chance.make_safe()
    for expression in _WARM_UP:
        calculate(expression)
    validate("Simplify (x^2 - 1)/(x - 1)", "x + 1")
    confine(memory_bytes)
    _send(replies, {"result": "ready"})
    for line in requests:
        request = json.loads(line)
        limit_cpu(cpu_seconds)
        _send(replies, answer(request["function"], request["payload"]))


def answer(function_name: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Never raises: whatever goes wrong is a reply."""
    chance.begin_again()
    try:
        return {"result": FUNCTIONS[function_name](**payload)}
    except MathsError as problem:
        return {"refusal": str(problem)}
    except MemoryError:
        return {"exhausted": "used too much memory; use a smaller expression"}
    except RecursionError:
        return {"refusal": "the expression is nested too deeply"}
    except Exception as problem:
        # sympy raises all sorts of errors on input that is merely odd: the model can only try another way.
        return {"refusal": f"this expression cannot be evaluated ({type(problem).__name__}); write it another way"}


def _private_stdout() -> BinaryIO:
    """Where replies go. Whatever a library prints goes to stderr instead and cannot be mistaken for one."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return replies


def _send(replies: BinaryIO, reply: dict[str, Any]) -> None:
    replies.write(json.dumps(reply).encode() + b"\n")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main(*map(int, sys.argv[1:]))
