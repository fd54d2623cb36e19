"""What a sandbox child gives up before it reads its first request. None of it can be taken back.

The audit hook makes a fact of what the grammar promises: after `confine`, this process compiles and executes
no text, starts no process and opens no connection, whatever a library would do with a hostile expression.
"""

import ctypes
import os
import resource
import signal
import sys
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_OPEN_FILES: Final = 32

_FORBIDDEN: Final = (
    "subprocess.", "socket.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.kill", "os.remove",
    "os.rename", "ctypes.", "pty.", "shutil.", "code.", "pickle.",
)  # fmt: skip
#: The one place in what is used of sympy that executes a text: monomial functions, written from a count of unknowns.
_MAY_EXECUTE: Final = os.path.join("sympy", "polys", "monomials.py")


class Forbidden(RuntimeError):
    """Something tried what a confined process must not do."""


def die_with_parent(parent: int) -> None:
    """The kernel ends this process when the parent's thread that started it ends; elsewhere, closed stdin does."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent has ended already")


def confine(memory_bytes: int) -> None:
    """Limits memory and files for good, forbids code from text, processes and network."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    sys.dont_write_bytecode = True
    sys.addaudithook(_audit)


def limit_cpu(seconds: int) -> None:
    """From now on this process may use so many seconds of CPU; then SIGXCPU ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "exec":
        _refuse_text(arguments[0].co_filename, event)
    elif event == "compile":
        _refuse_text(os.fsdecode(arguments[1] or "<unknown>"), event)
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise Forbidden(f"writing {arguments[0]!r} is forbidden here")
    elif event.startswith(_FORBIDDEN):
        raise Forbidden(f"{event} is forbidden here")


def _refuse_text(file_name: str, event: str) -> None:
    """Modules are files and may still be imported; `<string>` and its like are texts."""
    if file_name.startswith("<") and not file_name.startswith("<frozen"):
        caller = sys._getframe(2).f_code.co_filename
        if not caller.endswith(_MAY_EXECUTE):
            raise Forbidden(f"{event} of text is forbidden here")
