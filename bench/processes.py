"""What processes have used, as /proc tells it (Linux)."""

import itertools
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from penstock.local.process import Process

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024**2


def cpu(processes: Iterable[Process]) -> Counter[str]:
    """Milliseconds so far by kind of process, those of their children too; a kind is a name without its number."""
    spent: Counter[str] = Counter()
    for process in processes:
        spent[kind(process)] += round(milliseconds([process.pid or 0]))
    return spent


def milliseconds(pids: Iterable[int]) -> float:
    """Of CPU so far, with that of their children."""
    return sum(_milliseconds(one) for pid in pids for one in _tree(pid))


def nanoseconds(pids: Iterable[int]) -> int:
    """The same to the nanosecond, without children that are gone."""
    threads = (Path(f"/proc/{one}/task").iterdir() for pid in pids for one in _tree(pid))
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in itertools.chain.from_iterable(threads))


def rss(process: Process) -> float:
    """Resident megabytes, without children."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * _PAGE_MB


def kind(process: Process) -> str:
    return process.name.partition("-")[0]


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *itertools.chain.from_iterable(_tree(int(child)) for child in children)]


def _milliseconds(pid: int) -> float:
    """Of one process and of its children that are gone and were waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) * _TICK_MS
