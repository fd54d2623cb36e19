"""The pool of child processes: warm, bounded, confined, and gone when it is closed."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from penstock.tools.sandbox import Limits, Sandbox, SandboxBroken, SandboxExhausted, SandboxRefused
from tests.tools.conftest import leaving_nothing, living

ENDLESS = {"expression": "expand((x+y+z)^200)"}
HUGE = {"expression": "expand((a+b+c+d+x+y+z)^30)"}

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def single() -> AsyncIterator[Sandbox]:
    """One child with little time, started by a parent that has a secret. Tests that cost it leave it a fresh one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEMINI_API_KEY", "a-secret")
        async with leaving_nothing(Sandbox(size=1, limits=Limits(seconds=0.5))) as sandbox:
            await sandbox.start()
            yield sandbox


async def still_works(sandbox: Sandbox) -> bool:
    return await sandbox.run("calculate", {"expression": "1 + 1"}) == "2"


async def test_a_worker_is_used_again_and_replaced_after_its_calls():
    async with Sandbox(size=1, limits=Limits(calls_per_worker=2)) as sandbox:
        served = []
        for _ in range(3):
            assert await still_works(sandbox)
            served.append(sandbox.processes)
        assert served[0] == served[1] != served[2]


async def test_two_calls_run_at_once_and_a_third_waits(sandbox: Sandbox):
    calls = [asyncio.create_task(sandbox.run("calculate", {"expression": f"{n}^2"})) for n in range(5)]
    assert await asyncio.gather(*calls) == ["0", "1", "4", "9", "16"]
    assert len(sandbox.processes) == 2


async def test_a_call_that_takes_too_long_costs_its_process_only(single: Sandbox):
    (before,) = single.processes
    with pytest.raises(SandboxExhausted, match=r"longer than 0\.5 seconds"):
        await single.run("calculate", ENDLESS)
    assert await still_works(single)
    assert living([before]) == []


async def test_a_cancelled_call_costs_its_process_only(single: Sandbox):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await single.run("calculate", ENDLESS)
    assert await still_works(single)


async def test_a_killed_worker_is_replaced(single: Sandbox):
    os.kill(single.processes[0], signal.SIGTERM)
    with pytest.raises(SandboxBroken, match="ended unexpectedly"):
        await single.run("calculate", ENDLESS)
    assert await still_works(single)


async def test_cpu_time_and_memory_are_limited_by_the_kernel():
    short = Limits(seconds=20, cpu_seconds=1)
    small = Limits(seconds=20, cpu_seconds=20, memory_bytes=100 * 1024 * 1024)
    async with Sandbox(size=1, limits=short) as hurried, Sandbox(size=1, limits=small) as cramped:
        time, memory = await asyncio.gather(
            hurried.run("calculate", ENDLESS), cramped.run("calculate", HUGE), return_exceptions=True
        )
    assert isinstance(time, SandboxExhausted)
    assert "too much computing time or memory" in str(time)
    assert isinstance(memory, SandboxExhausted)
    assert "memory" in str(memory)


async def test_a_closed_sandbox_leaves_no_process_and_takes_no_call():
    sandbox = Sandbox(size=1)
    await sandbox.start()
    children = sandbox.processes
    busy = asyncio.create_task(sandbox.run("calculate", ENDLESS))
    await asyncio.sleep(0)
    await sandbox.aclose()
    with pytest.raises(SandboxBroken):
        await busy
    with pytest.raises(SandboxBroken, match="closed"):
        await sandbox.run("calculate", {"expression": "1 + 1"})
    assert len(children) == 1
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


async def test_the_child_knows_no_secret(single: Sandbox):
    assert os.environ["GEMINI_API_KEY"] == "a-secret"
    environment = Path(f"/proc/{single.processes[0]}/environ").read_bytes()
    assert b"GEMINI" not in environment
    assert b"a-secret" not in environment


async def test_a_function_that_is_not_in_the_table_cannot_be_run(single: Sandbox):
    with pytest.raises(SandboxRefused, match="KeyError"):
        await single.run("exec", {"expression": "1"})
