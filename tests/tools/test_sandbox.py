"""The pool of child processes: warm, bounded, confined, and gone when it is closed."""

import asyncio
import os
import select
import signal
import sys
from pathlib import Path

import pytest

from penstock.tools.sandbox import Limits, Sandbox, SandboxBroken, SandboxExhausted, SandboxRefused
from tests.tools.conftest import living

ENDLESS = {"expression": "expand((x+y+z)^200)"}


async def test_a_worker_is_used_again_and_replaced_after_its_calls():
    async with Sandbox(size=1, limits=Limits(calls_per_worker=3)) as sandbox:
        served = []
        for _ in range(4):
            assert await sandbox.run("calculate", {"expression": "1 + 1"}) == "2"
            served.append(sandbox.processes)
        assert len(set(served[:2])) == 1
        assert served[3] != served[0]


async def test_two_calls_run_at_once_and_a_third_waits():
    async with Sandbox(size=2) as sandbox:
        calls = [asyncio.create_task(sandbox.run("calculate", {"expression": f"{n}^2"})) for n in range(5)]
        assert await asyncio.gather(*calls) == ["0", "1", "4", "9", "16"]
        assert len(sandbox.processes) == 2


async def test_a_call_that_takes_too_long_costs_its_process_only():
    async with Sandbox(size=1, limits=Limits(seconds=0.5)) as sandbox:
        await sandbox.start()
        (before,) = sandbox.processes
        with pytest.raises(SandboxExhausted, match=r"longer than 0\.5 seconds"):
            await sandbox.run("calculate", ENDLESS)
        assert await sandbox.run("calculate", {"expression": "1 + 1"}) == "2"
        assert living([before]) == []


async def test_a_cancelled_call_costs_its_process_only():
    async with Sandbox(size=1) as sandbox:
        await sandbox.start()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await sandbox.run("calculate", ENDLESS)
        assert await sandbox.run("calculate", {"expression": "1 + 1"}) == "2"


async def test_cpu_time_is_limited_by_the_kernel():
    async with Sandbox(size=1, limits=Limits(seconds=20, cpu_seconds=1)) as sandbox:
        with pytest.raises(SandboxExhausted, match="too much computing time or memory"):
            await sandbox.run("calculate", ENDLESS)
        assert await sandbox.run("calculate", {"expression": "1 + 1"}) == "2"


async def test_memory_is_limited_by_the_kernel():
    limits = Limits(seconds=20, cpu_seconds=20, memory_bytes=100 * 1024 * 1024)
    async with Sandbox(size=1, limits=limits) as sandbox:
        with pytest.raises(SandboxExhausted, match="memory"):
            await sandbox.run("calculate", {"expression": "expand((a+b+c+d+x+y+z)^30)"})
        assert await sandbox.run("calculate", {"expression": "1 + 1"}) == "2"


async def test_a_killed_worker_is_replaced():
    async with Sandbox(size=1) as sandbox:
        await sandbox.start()
        os.kill(sandbox.processes[0], signal.SIGTERM)
        with pytest.raises(SandboxBroken, match="ended unexpectedly"):
            await sandbox.run("calculate", ENDLESS)
        assert await sandbox.run("calculate", {"expression": "1 + 1"}) == "2"


async def test_a_closed_sandbox_leaves_no_process_and_takes_no_call():
    sandbox = Sandbox(size=2)
    await sandbox.start()
    children = sandbox.processes
    busy = asyncio.create_task(sandbox.run("calculate", ENDLESS))
    await asyncio.sleep(0)
    await sandbox.aclose()
    with pytest.raises(SandboxBroken):
        await busy
    with pytest.raises(SandboxBroken, match="closed"):
        await sandbox.run("calculate", {"expression": "1 + 1"})
    assert len(children) == 2
    assert living(children) == []


async def test_children_die_with_a_parent_that_is_killed_in_the_middle_of_a_call():
    program = (
        "import asyncio, sys\n"
        "from penstock.tools.sandbox import Sandbox\n"
        "async def main():\n"
        "    sandbox = Sandbox(size=1)\n"
        "    await sandbox.start()\n"
        "    call = asyncio.create_task(sandbox.run('calculate', {'expression': 'expand((x+y+z)^200)'}))\n"
        "    await asyncio.sleep(0)\n"
        "    print(*sandbox.processes, flush=True)\n"
        "    await call\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child = os.pidfd_open(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    ended, _, _ = select.select([child], [], [], 1.0)
    os.close(child)
    assert ended, "the child outlived its parent"


async def test_the_child_knows_no_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GEMINI_API_KEY", "a-secret")
    async with Sandbox(size=1) as sandbox:
        await sandbox.start()
        environment = Path(f"/proc/{sandbox.processes[0]}/environ").read_bytes()
    assert b"GEMINI" not in environment
    assert b"a-secret" not in environment


async def test_a_function_that_is_not_in_the_table_cannot_be_run():
    async with Sandbox(size=1) as sandbox:
        with pytest.raises(SandboxRefused, match="KeyError"):
            await sandbox.run("exec", {"expression": "1"})
