"""What a process may still do once it is confined: each attempt is really made, by a process that is."""

import json
import os
import subprocess
import sys
from pathlib import Path

from penstock.tools import child

PROGRAM = """
import json, os, resource, socket, sys
from penstock.tools import child
file, writing, with_filter = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "with"
parent = os.getppid()
attempts = {
    "read a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "read the parent's environment": lambda: os.open(f"/proc/{parent}/environ", os.O_RDONLY),
    "write a file": lambda: os.open(file, os.O_WRONLY),
    "make a file": lambda: os.open(file + ".new", os.O_WRONLY | os.O_CREAT),
    "open a connection": lambda: socket.socket(),
    "read what is sent to the process": lambda: os.read(0, 1),
    "truncate a file": lambda: os.truncate(file, 0),
    "remove a file": lambda: os.unlink(file),
    "rename a file": lambda: os.rename(file, file + ".old"),
    "start a process": lambda: os.fork() or os._exit(0),
    "become another program": lambda: os.execv("/bin/true", ["true"]),
    "signal the parent": lambda: os.kill(parent, 0),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (99, 99)),
    "look into a folder": lambda: os.listdir("/"),
    "change its rights": lambda: os.setuid(os.getuid()),
}
if not with_filter:
    child.SYSTEM_CALLS.clear()
    attempts = dict(list(attempts.items())[:6])
filtered = child.confine(writing)
refused = []
for name, attempt in attempts.items():
    try:
        attempt()
    except (OSError, ValueError):
        refused.append(name)
os.write(writing, json.dumps([filtered, refused, list(attempts)]).encode())
os._exit(0)
"""


def attempts_of_a_confined_process(file: Path, system_calls: str) -> tuple[bool, list[str], list[str]]:
    """Whether its system calls are filtered, what was refused to it, and all that it tried."""
    reading, writing = os.pipe()
    file.write_text("untouched")
    command = [sys.executable, "-c", PROGRAM, str(file), str(writing), system_calls]
    with os.fdopen(reading, "rb") as replies:
        ended = subprocess.run(command, pass_fds=[writing], stdin=subprocess.PIPE, check=False, timeout=60)
        os.close(writing)
        assert ended.returncode == 0
        filtered, refused, tried = json.loads(replies.read())
    return filtered, refused, tried


def test_a_confined_process_can_do_none_of_these(tmp_path: Path) -> None:
    file = tmp_path / "file"
    filtered, refused, tried = attempts_of_a_confined_process(file, "with")
    assert filtered
    assert refused == tried
    assert file.read_text() == "untouched"
    assert list(tmp_path.iterdir()) == [file]


def test_where_system_calls_are_not_filtered_nothing_can_be_opened_or_read(tmp_path: Path) -> None:
    filtered, refused, tried = attempts_of_a_confined_process(tmp_path / "file", "without")
    assert not filtered
    assert len(tried) == 6
    assert refused == tried


def test_the_context_has_no_function_of_this_process() -> None:
    """What JavaScript offers by itself, and mathjs: no console, no file, no timer, no import of modules."""
    context = child.load({"stack_bytes": 1 << 20, "memory_bytes": 1 << 28, "cpu_seconds": 10})
    names = json.loads(context.eval("JSON.stringify(Object.getOwnPropertyNames(globalThis))"))
    assert {"math", "answer"} <= set(names)
    assert set(names).isdisjoint(
        {"console", "print", "std", "os", "require", "process", "fetch", "setTimeout", "scriptArgs"}
    )


def test_where_the_kernel_refuses_the_filter_nothing_is_calculated() -> None:
    """In a process of its own, which asks for a filter of a kind that no kernel knows."""
    code = """
from penstock.tools import child
child.SECCOMP_MODE_FILTER = 99
limits = {"stack_bytes": 1 << 20, "memory_bytes": 1 << 28, "cpu_seconds": 10, "wall_seconds": 10}
request = b'{"task": "calculate", "payload": {"expression": "1 + 1"}}'
print(child.serve(child.load(limits), request, limits).decode())
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == {"refusal": child.UNCONFINED}
