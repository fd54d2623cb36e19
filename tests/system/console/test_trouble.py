"""What a person sees of a job in trouble: killed, cancelled, cut off, asked for again."""

import os
import re
import signal

import pytest
from playwright.async_api import expect

from tests.support.simulator import Steering
from tests.system.cli.system import System
from tests.system.console.browser import Console, state

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_killed_worker_s_part_is_taken_back_and_written_anew(
    console: Console, gemini: Steering, shared_system: System
) -> None:
    await gemini.rule(step="respond", times=1, reply={"merge": {"response": "The first try. " * 30}, "hold": "respond"})
    await console.run("routing")
    response = console.part("/response")
    await expect(response.locator(".writer.growing")).to_contain_text("respond-1")
    (pid,) = [pid for name, pid in shared_system.processes().items() if name.startswith("workers")]
    os.kill(pid, signal.SIGKILL)
    await console.is_("completed")
    await expect(response.locator(".writer")).to_contain_text("written anew")
    await expect(response).not_to_contain_text("The first")


async def test_a_step_that_writes_no_more_is_silent_and_then_its_process_was_gone(
    console: Console, gemini: Steering, shared_system: System
) -> None:
    """Beside the step, in seconds; later its reason stands in its row of the timeline, once, and whole."""
    await gemini.rule(step="respond", times=1, reply={"merge": {"response": "The first try. " * 30}, "hold": "respond"})
    job = await console.run("routing")
    doing = console.page.locator(".step", has_text="respond-1").locator(".doing")
    await expect(doing).to_have_text("writes")
    await expect(doing).to_have_text(re.compile(r"writes · silent for [3-9] s"))
    (pid,) = [pid for name, pid in shared_system.processes().items() if name.startswith("workers")]
    os.kill(pid, signal.SIGKILL)
    await expect(console.part("/response").locator(".writer")).to_contain_text("written anew: its process was gone")
    await console.is_("completed")
    await console.open(f"jobs/{job}")
    note = console.page.locator(".timeline button", has_text="respond-1").locator(".note")
    await expect(note).to_have_text(re.compile("^its process was killed or stood still · simulator"))
    assert await note.evaluate("note => note.scrollWidth <= note.clientWidth")


async def test_a_reply_that_does_not_fit_is_asked_for_again(console: Console, gemini: Steering) -> None:
    """Nobody's process was gone. One for which there is no try left is taken back, and that is said once a section."""
    unfit = {"reply": {"merge": {"nextSteps": [1]}}}
    await gemini.rule(step="respond", times=1, **unfit)
    await console.run("routing")
    await console.is_("completed")
    writer = console.part("/response").locator(".writer")
    await expect(writer).to_have_text(re.compile("respond-1 .* · written anew: the reply did not fit$"))
    await gemini.rule(
        step="respond", times=1, reply={"merge": {"response": "The first try. " * 30}}, fault={"break_after_chunks": 6}
    )
    await console.run("routing", Query="Where is my lantern?")
    await console.is_("completed")
    await expect(writer).to_have_text(re.compile("attempt 2 · written anew: model_unavailable$"))
    await gemini.rule(step="plan", reply={"merge": {"risks": 1}})
    await console.run("orchestrator-worker")
    await console.is_("failed")
    writers = console.part("/plan").locator(".writer")
    await expect(writers).to_have_text(["taken back"])
    failed = console.page.url
    await console.page.get_by_role("button", name="Retry").click()
    await console.page.wait_for_url(lambda url: "/run/orchestrator-worker/" in url and url != failed)


async def test_a_cancelled_job_s_step_is_over_everywhere(console: Console, gemini: Steering) -> None:
    await gemini.rule(step="respond", times=1, reply={"hold": "respond"})
    job = await console.run("routing")
    await expect(console.part("/response").locator(".writer.growing")).to_be_visible()
    cancel = console.page.get_by_role("button", name="Cancel")
    await console.page.route(f"**/jobs/{job}", lambda route: route.abort())
    await cancel.click()
    await expect(console.page.get_by_text("The gateway does not answer.")).to_be_visible()
    await console.page.unroute(f"**/jobs/{job}")
    await cancel.click()
    await console.is_("cancelled")
    await expect(console.page.locator(".step", has_text="respond-1").locator(".state")).to_have_class("state cancelled")
    await console.open(f"jobs/{job}")
    row = console.page.locator(".timeline button", has_text="respond-1")
    await expect(row.locator(".state")).to_have_class("state cancelled")
    await expect(row.locator(".note")).to_contain_text("the job ended before it")
    await expect(row.locator(".stretch.cut")).to_have_count(1)
    await expect(console.page.locator(".stretch.failed")).to_have_count(0)
    await expect(console.page.locator(".node", has_text="RESPOND").first).to_have_class("node cancelled")


async def test_a_lost_connection_is_said_beside_the_state(console: Console, gemini: Steering) -> None:
    """Nothing moves for it."""
    await gemini.rule(step="respond", reply={"hold": "respond"})
    await console.run("routing")
    await expect(console.part("/response").locator(".writer.growing")).to_be_visible()
    before = await console.part("/response").bounding_box()
    await console.page.route("**/events", lambda route: route.abort())
    await console.page.reload()
    await expect(console.page.locator(".standing .lost")).to_have_text("connection lost")
    await expect(console.part("/response").locator(".writer.growing")).to_be_visible()
    assert await console.part("/response").bounding_box() == before
    await console.page.unroute("**/events")
    await gemini.release("respond")
    await console.is_("completed")
    await expect(console.page.locator(".standing .lost")).to_have_count(0)


async def test_a_job_is_cancelled_and_retried(console: Console, gemini: Steering, shared_system: System) -> None:
    await gemini.rule(step="respond", times=1, reply={"hold": "respond"})
    job = await console.run("routing")
    await expect(console.part("/response").locator(".writer.growing")).to_be_visible()
    await console.page.get_by_role("button", name="Cancel").click()
    await console.is_("cancelled")
    assert state(shared_system, job)["status"] == "cancelled"
    await console.open("jobs?status=cancelled")
    await console.page.get_by_role("button", name=f"Retry {job}").click()
    await console.page.wait_for_url("**/#/jobs/*")
    await console.is_("completed")
    await expect(console.page.get_by_text("another try at")).to_be_visible()


async def test_a_reload_goes_on_after_the_last_event(console: Console, gemini: Steering) -> None:
    await gemini.rule(step="respond", reply={"hold": "respond"})
    await console.run("routing")
    growing = console.part("/response").locator(".writer.growing")
    await expect(growing).to_be_visible()
    await console.page.reload()
    await expect(growing).to_be_visible()
    first, second = console.cursors
    assert first is None
    assert second is not None
    assert int(second) > 0
    await gemini.release("respond")
    await console.is_("completed")
    await expect(console.part("/nextSteps").locator(".writer")).to_contain_text("respond-1")
