"""A process of `penstock up` that does not end when it is told to."""

import sys
from pathlib import Path

from penstock.local.process import Process

STUBBORN = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('x ready http://a', flush=True); time.sleep(600)"
)


async def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    process = Process("x", [sys.executable, "-c", STUBBORN], env={}, log_file=tmp_path / "log")
    await process.start()
    try:
        await process.stop(grace=0.2)
        assert process.pid is None
    finally:
        process.kill()
