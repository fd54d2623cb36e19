"""The process in which models' mathematics is evaluated. Run as a program; it imports nothing of Penstock.

python -I child.py <limits as JSON> <parent's pid>

It loads mathjs once. Each line that comes is answered by a fork of it, which gives up every right first and ends
with its answer: no call can see another's, outlive its time, or harm the process that the next one is forked from.
"""

import ctypes
import json
import os
import platform
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Any, Final

from quickjs import Context

HERE: Final = Path(__file__).parent
SCRIPTS: Final = ("mathjs/math.js", "values.js", "checker.js", "evaluator.js")

#: Loads what mathjs builds on first use, so that no fork has to.
WARM_UP: Final = (
    "1 + 2 * 3 - 4 / 5 ^ 6", "sqrt(-4) + sin(1)", "15% * 80", "12.7 cm to inch", "mean([1, 2; 3, 4], 1)",
    "derivative('x^2 + sin(x)', 'x')", "simplify('2x + 3x')", "a = 3; b = [a, 4]; b[1] > 2 ? 'y' : 'n'", "1/3 == 0.3",
    "5! + combinations(5, 2)", "fraction(1, 3) + 1", "bignumber(1) / 3", "polynomialRoot(6, -5, 1)", "std(1, 2, 3)",
    "inv([1, 2; 3, 4]) * [5; 6]", "f(x) = x^2; f(3)", "round(2.345, 2)", "60 km/h * 2 h", "log(8, 2) + exp(1)",
)  # fmt: skip
WARM_UP_CHECK: Final = {
    "proposedAnswer": "x = 2 or x = 3", "expression": "", "equations": ["x^2 - 5x + 6 = 0"], "variables": {},
}  # fmt: skip

MOST_BYTES: Final = 256 * 1024
TOO_LONG: Final = "took too long and was stopped: use a simpler expression"
UNCONFINED: Final = "cannot be done here: this machine does not let a calculation be confined"
TOO_MUCH: Final = "used too much memory: use a smaller expression"
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_ALLOW, SECCOMP_EPERM, SECCOMP_MODE_FILTER = 0x7FFF0000, 0x00050001, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
#: machine -> its AUDIT_ARCH, and the numbers of: write, mmap, mprotect, munmap, brk, rt_sigreturn, mremap, madvise,
#: gettimeofday, futex, clock_gettime, exit_group, getrandom.
SYSTEM_CALLS: Final = {
    "x86_64": (0xC000003E, (1, 9, 10, 11, 12, 15, 25, 28, 96, 202, 228, 231, 318)),
    "aarch64": (0xC00000B7, (64, 222, 226, 215, 214, 139, 216, 233, 169, 98, 113, 94, 278)),
}


def end_with_parent(parent: int) -> None:
    """The kernel kills this process when its parent ends (Linux)."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def confine(keep: int) -> bool:
    """For good: no file can be opened, nothing read or written but to the descriptor `keep`, no process started.

    On Linux every system call fails that computing does not need; elsewhere False, and only the limits hold. Raises
    OSError where the kernel refuses the filter.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    os.closerange(0, keep)
    os.closerange(keep + 1, 64)
    _prctl(PR_SET_DUMPABLE, 0)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    if sys.platform != "linux" or platform.machine() not in SYSTEM_CALLS:
        return False
    architecture, allowed = SYSTEM_CALLS[platform.machine()]
    end = len(allowed)
    steps = [(LOAD, 0, 0, 4), (JUMP_IF_EQUAL, 0, end + 1, architecture), (LOAD, 0, 0, 0)]
    steps += [(JUMP_IF_EQUAL, end - place, 0, number) for place, number in enumerate(allowed)]
    steps += [(RETURN, 0, 0, SECCOMP_EPERM), (RETURN, 0, 0, SECCOMP_ALLOW)]
    # struct sock_filter (code, jump if true, jump if false, operand), and struct sock_fprog (length, where they are)
    filters = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    if _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, struct.pack("@HP", len(steps), ctypes.addressof(filters))):
        raise OSError("seccomp is refused")
    return True


def _prctl(option: int, value: int, pointer: bytes | None = None) -> int:
    if sys.platform != "linux":
        return -1
    zero = ctypes.c_ulong(0)
    return int(ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), pointer, zero, zero))


def load(limits: dict[str, Any]) -> Context:
    """mathjs and the three scripts beside this file, warm; no function of this process is known to them."""
    context = Context()
    context.set_max_stack_size(limits["stack_bytes"])
    context.eval("globalThis.self = globalThis")
    for script in SCRIPTS:
        context.eval((HERE / script).read_text())
    warm = [{"task": "calculate", "payload": {"expression": each}} for each in WARM_UP]
    for request in (*warm, {"task": "validate", "payload": WARM_UP_CHECK}):
        said = context.get("answer")(json.dumps(request))
        if "result" not in json.loads(said):
            raise RuntimeError(f"{request}: {said}")
    context.gc()
    context.set_memory_limit(limits["memory_bytes"])
    context.set_time_limit(limits["cpu_seconds"])
    return context


def serve(context: Context, request: bytes, limits: dict[str, Any]) -> bytes:
    """The answer of a fork, or what ended it."""
    parent, (reading, writing) = os.getpid(), os.pipe()
    child = os.fork()
    if not child:
        try:
            end_with_parent(parent)
            cpu = int(limits["cpu_seconds"]) + 2
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
            signal.setitimer(signal.ITIMER_REAL, limits["wall_seconds"])
            try:
                confine(writing)
                said = str(context.get("answer")(request.decode()))
            except OSError:
                said = json.dumps({"refusal": UNCONFINED})
            except Exception as problem:
                said = json.dumps({"refusal": TOO_LONG if "interrupted" in str(problem) else TOO_MUCH})
            os.write(writing, said.encode() + b"\n")
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as replies:
        reply = replies.readline(MOST_BYTES)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if reply.endswith(b"\n"):
        return reply
    timed_out = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU)
    return json.dumps({"refusal": TOO_LONG if timed_out else TOO_MUCH}).encode() + b"\n"


def main(limits: dict[str, Any], parent: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    end_with_parent(parent)
    context = load(limits)
    os.write(1, b"ready\n")
    for request in sys.stdin.buffer:
        os.write(1, serve(context, request, limits))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]))
