"""The pool of child processes: bounded, replaced when they die, and gone when it is closed."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
import pytest_asyncio

from penstock.tools.sandbox import Limits, Sandbox, SandboxBroken, SandboxRefused
from tests.tools.conftest import leaving_nothing, living

ENDLESS = {"expression": "map(1:1e5, f(x) = map(1:1e5, g(y) = y))"}

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def single() -> AsyncIterator[Sandbox]:
    """One child, started by a parent that has a secret. Tests that cost it leave it a fresh one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEMINI_API_KEY", "a-secret")
        limits = Limits(cpu_seconds=0.3, wall_seconds=20)
        async with leaving_nothing(Sandbox(size=1, limits=limits)) as sandbox:
            assert await still_works(sandbox)
            yield sandbox


async def still_works(sandbox: Sandbox) -> bool:
    result: str = await sandbox.run("calculate", {"expression": "1 + 1"})
    return result == "2"


async def test_a_child_starts_with_the_first_call_and_another_when_it_is_busy() -> None:
    async with leaving_nothing(Sandbox(size=2)) as sandbox:
        assert sandbox.processes == ()
        for _ in range(3):
            assert await still_works(sandbox)
        assert len(sandbox.processes) == 1
        assert all(await asyncio.gather(*(still_works(sandbox) for _ in range(5))))
        assert len(sandbox.processes) == 2


async def test_calls_at_once_get_their_own_results(sandbox: Sandbox) -> None:
    calls = [sandbox.run("calculate", {"expression": f"{n}^2"}) for n in range(40)]
    assert await asyncio.gather(*calls) == [str(n**2) for n in range(40)]
    assert len(sandbox.processes) == 2


async def test_a_call_that_computes_too_long_is_stopped_and_its_child_stays(single: Sandbox) -> None:
    before = single.processes
    with pytest.raises(SandboxRefused, match="took too long"):
        await single.run("calculate", ENDLESS)
    assert await still_works(single)
    assert single.processes == before


@pytest.mark.parametrize(
    "limits", [Limits(cpu_seconds=0.1, wall_seconds=60), Limits(cpu_seconds=60, wall_seconds=0.5)], ids=["cpu", "wall"]
)
async def test_time_is_limited_by_the_engine_and_by_the_kernel(limits: Limits) -> None:
    async with leaving_nothing(Sandbox(size=1, limits=limits)) as sandbox:
        with pytest.raises(SandboxRefused, match="took too long"):
            await sandbox.run("calculate", ENDLESS)
        assert len(sandbox.processes) == 1


async def test_memory_is_limited() -> None:
    small = Limits(cpu_seconds=30, wall_seconds=60, memory_bytes=40 * 1024 * 1024)
    async with leaving_nothing(Sandbox(size=1, limits=small)) as sandbox:
        with pytest.raises(SandboxRefused, match="too much memory"):
            await sandbox.run("calculate", {"expression": "ones(20000, 20000)"})
        assert await still_works(sandbox)


async def test_a_cancelled_call_costs_its_process_only(single: Sandbox) -> None:
    call = asyncio.create_task(single.run("calculate", ENDLESS))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await still_works(single)


async def test_a_child_that_is_killed_is_replaced(single: Sandbox) -> None:
    call = asyncio.create_task(single.run("calculate", ENDLESS))
    await asyncio.sleep(0)
    (before,) = single.processes
    os.kill(before, signal.SIGKILL)
    with pytest.raises(SandboxBroken, match="the process has ended"):
        await call
    assert await still_works(single)
    assert single.processes != (before,)
    assert living([before]) == []


async def test_a_child_that_dies_between_calls_is_replaced_without_a_word(single: Sandbox) -> None:
    (before,) = single.processes
    end = os.pidfd_open(before)
    os.kill(before, signal.SIGKILL)
    await asyncio.to_thread(select.select, [end], [], [], 20)
    os.close(end)
    while single.processes == (before,):
        await asyncio.sleep(0.01)
    assert await still_works(single)


async def test_a_closed_sandbox_leaves_no_process_and_takes_no_call() -> None:
    sandbox = Sandbox(size=1)
    assert await still_works(sandbox)
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


@pytest.mark.parametrize("busy_for", [1, 3])
async def test_a_sandbox_closed_while_a_child_starts_leaves_no_process(busy_for: int) -> None:
    sandbox = Sandbox(size=1)
    call = asyncio.create_task(still_works(sandbox))
    for _ in range(busy_for):
        await asyncio.sleep(0)
    await sandbox.aclose()
    assert sandbox.processes == ()
    with pytest.raises(SandboxBroken):
        await call
    assert sandbox.processes == ()


async def test_a_child_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with aclosing(Sandbox(size=1)) as sandbox:
        with pytest.raises(SandboxBroken, match="cannot be started"):
            await still_works(sandbox)


async def test_children_and_their_forks_die_with_a_parent_that_is_killed_in_the_middle_of_a_call() -> None:
    program = (
        "import asyncio, sys\n"
        "from penstock.tools.sandbox import Limits, Sandbox\n"
        "async def main():\n"
        "    sandbox = Sandbox(size=1, limits=Limits(cpu_seconds=60, wall_seconds=60))\n"
        "    await sandbox.run('calculate', {'expression': '1'})\n"
        f"    call = asyncio.create_task(sandbox.run('calculate', {ENDLESS}))\n"
        "    await asyncio.sleep(0)\n"
        "    print(*sandbox.processes, flush=True)\n"
        "    await call\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    processes = [child, *await forks(child)]
    ends = [os.pidfd_open(process) for process in processes]
    parent.kill()
    await parent.wait()
    for end in ends:
        ended, _, _ = select.select([end], [], [], 20)
        os.close(end)
        assert ended, "a process outlived its parent"


async def forks(child: int) -> list[int]:
    """The processes that evaluate for this child, as soon as there are any."""
    while not (found := Path(f"/proc/{child}/task/{child}/children").read_text().split()):
        await asyncio.sleep(0.01)
    return [int(process) for process in found]


async def test_the_child_knows_no_secret(single: Sandbox) -> None:
    assert os.environ["GEMINI_API_KEY"] == "a-secret"
    assert await still_works(single)
    assert Path(f"/proc/{single.processes[0]}/environ").read_bytes() == b""


async def test_a_task_that_there_is_not_cannot_be_run(single: Sandbox) -> None:
    with pytest.raises(SandboxRefused, match="not a function"):
        await single.run("exec", {"expression": "1"})
