"""What who runs the system sees and does in the console: processes, queues, dead letters, usage."""

import asyncio
import os
import re
import signal
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

from penstock import jobs
from penstock.client import NatsClient
from penstock.jetstream import subjects
from tests.support.simulator import Steering
from tests.system.cli.system import System, until
from tests.system.console.browser import PHONE, Console, Scheme, tab

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def dead_letter(system: System, subject: str) -> int:
    """A letter as a service leaves it; its number."""
    headers = {
        subjects.DEAD_REASON_HEADER: "poisoned",
        subjects.DEAD_DETAIL_HEADER: "given up at delivery 9",
        subjects.DEAD_SUBJECT_HEADER: subject,
        subjects.DEAD_STREAM_HEADER: subjects.stream_of(subject),
        subjects.DEAD_SEQUENCE_HEADER: "1",
    }
    async with NatsClient(system.nats_url) as client:
        return await client.bus.append(subjects.dead(subject), b'{"query": "<b>Hello</b>"}', headers=headers)


async def test_the_fleet_is_as_its_route_says(console: Console, shared_system: System, gemini: Steering) -> None:
    """Every process has its row; what runs takes a slot and is in its queue's row."""
    await gemini.rule(step="respond", reply={"hold": "respond"})
    job = await console.run("routing")
    await expect(console.part("/response").locator(".writer.growing")).to_be_visible()
    await console.page.locator("body").press("f")
    processes = console.page.locator("section", has_text="Processes").locator("tbody tr")
    services = ("aggregator", "classifier", "workers", "gateway")
    pids = [pid for name, pid in shared_system.processes().items() if name.rpartition("-")[0] in services]
    await expect(processes).to_have_count(len(pids))
    for pid in pids:
        await expect(processes.filter(has_text=str(pid))).to_have_count(1)
    await expect(console.page.locator("tr", has_text="routing/respond").locator("td").nth(3)).to_have_text("1")
    await gemini.release("respond")
    httpx.get(f"{shared_system.url('gateway')}/jobs/{job}/stream", trust_env=False, timeout=60).raise_for_status()
    await expect(console.page.locator("tr", has_text="routing/respond")).to_have_count(0)
    await console.page.get_by_role("button", name=re.compile("kinds of steps")).click()
    await expect(console.page.locator("tr", has_text="routing/respond")).to_have_count(1)


async def test_a_killed_process_is_remembered_for_a_while(console: Console, shared_system: System) -> None:
    """Its row stays, and says since when it was not seen."""
    await console.open("fleet")
    (pid,) = [pid for name, pid in shared_system.processes().items() if name.startswith("classifier")]
    row = console.page.locator("tbody tr", has_text=str(pid))
    await expect(row).to_have_count(1)
    os.kill(pid, signal.SIGKILL)
    await expect(row).to_contain_text(re.compile(r"classifier not seen for \d"))
    await expect(row.locator(".state")).to_have_class("state cancelled")
    await expect(console.page.locator("tbody tr:not(.gone)", has_text="classifier")).to_have_count(1)


async def test_dead_letters_are_read_replayed_and_purged(console: Console, shared_system: System) -> None:
    """What is in one is text. All are purged only after a second word."""
    number = await dead_letter(shared_system, f"jobs.default.routing.{jobs.new_job_id()}")
    await dead_letter(shared_system, f"jobs.default.routing.{jobs.new_job_id()}")
    await console.open("fleet")
    letters = console.page.locator(".letters li")
    await expect(letters).to_have_count(2)
    await console.page.get_by_role("button", name=f"Message of letter {number}").click()
    await expect(letters.last.locator("pre")).to_have_text('{"query": "<b>Hello</b>"}')
    await console.page.get_by_role("button", name=f"Replay letter {number}").click()
    new = await letters.last.locator(".notice a").inner_text()
    state = httpx.get(f"{shared_system.url('gateway')}/jobs/{new}", trust_env=False, timeout=60).json()
    assert state["pattern"] == "routing"
    await console.page.get_by_role("button", name=f"Purge letter {number} …").click()
    await expect(letters).to_have_count(2)
    await console.page.get_by_role("button", name=f"Purge letter {number}", exact=True).click()
    await expect(letters).to_have_count(1)
    await console.page.get_by_role("button", name="Purge all …").click()
    await console.page.get_by_role("button", name=re.compile("^Purge all [0-9]")).click()
    await expect(letters).to_have_count(0)
    await expect(console.page.get_by_text("There are none.")).to_be_visible()


async def test_usage_is_that_of_its_route(console: Console, shared_system: System) -> None:
    """By pattern, and by model: the sums are those that /usage answers."""

    def reported() -> dict[str, Any]:
        answer = httpx.get(f"{shared_system.url('gateway')}/usage?by=model", trust_env=False, timeout=60)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    before = reported()["total"]["calls"]
    await console.run("routing")
    await console.is_("completed")
    await asyncio.to_thread(until, lambda: reported()["total"]["calls"] >= before + 2, reported)  # added up in a moment
    await console.open("usage?by=model")
    report = reported()
    await expect(console.page.locator(".sums tbody tr")).to_have_count(len(report["rows"]))
    await expect(console.page.locator(".sums tfoot td").nth(1)).to_have_text(f"{report['total']['calls']:,}")
    for row in report["rows"]:
        shown = console.page.locator(".sums tbody tr", has_text=row["model"] or "unknown")
        await expect(shown.locator("td").nth(1)).to_have_text(f"{row['calls']:,}")
    await expect(console.page.locator(".bars canvas")).to_be_visible()
    await expect(console.page.get_by_text("Wasted are the tokens of attempts")).to_be_visible()
    await console.page.get_by_role("combobox", name="By").select_option("pattern")
    await expect(console.page.locator(".sums tbody tr", has_text="routing")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["desktop", "phone"])
async def test_operations_are_accessible_and_fit(
    browser: Browser, shared_system: System, axe: str, scheme: Scheme, width: str
) -> None:
    """axe-core finds nothing in them, and nothing is wider than the screen."""
    await dead_letter(shared_system, f"steps.normal.workers.routing.respond.default.{jobs.new_job_id()}.respond-1")
    size = {"size": PHONE} if width == "phone" else {}
    async with tab(browser, shared_system.url("gateway"), scheme=scheme, **size) as console:
        for view, there in (("fleet", ".letters li"), ("usage", "tfoot")):
            await console.open(view)
            await expect(console.page.locator(there).first).to_be_visible()
            if view == "fleet":  # a process is known by its number, there or in a column
                pid = str(shared_system.processes()["gateway-1"])
                await expect(console.page.locator(".fleet :is(.narrow, .roomy):visible", has_text=pid)).to_have_count(1)
            assert await console.violations(axe) == [], view
            assert await console.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
            await console.picture(f"{view}-{width}" + ("-dark" if scheme == "dark" else ""))
