"""A real Chromium, and the console in it as a person uses it."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, async_playwright, expect

from tests.support.patience import PATIENCE
from tests.support.repository import ROOT
from tests.system.cli.system import System

IMAGES = ROOT / "docs" / "images"
#: Nothing is asked for from elsewhere.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
Scheme = Literal["light", "dark"]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    assert program, "chromium is needed for these tests: apt-get install chromium"
    expect.set_options(timeout=PATIENCE * 1000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS, timeout=PATIENCE * 1000)
        yield browser
        await browser.close()


class Console:
    """One tab of its own session. What the page reports as wrong is in `faults`."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.faults: list[str] = []
        self.requests: list[Request] = []
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._said)
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        # what the gateway refuses is the view's matter
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    def _asked(self, request: Request) -> None:
        self.requests.append(request)

    @property
    def cursors(self) -> list[str | None]:
        """Of the requests for events: after which each asked."""
        return [one.headers.get("last-event-id") for one in self.requests if one.url.endswith("/events")]

    async def open(self, place: str) -> None:
        await self.page.goto(f"{self.url}/#/{place}")

    async def run(self, pattern: str, **fields: str) -> str:
        """The example of a pattern, with other texts in some fields; returns the job's id."""
        await self.open(f"run/{pattern}")
        for label, text in fields.items():
            await self.page.get_by_label(label, exact=True).fill(text)
        await self.page.get_by_role("button", name="Run", exact=True).click()
        await self.page.wait_for_url(f"**/#/run/{pattern}/*")
        return self.page.url.rpartition("/")[2]

    def part(self, place: str) -> Locator:
        """A member of the result."""
        return self.page.locator(f'[data-place="{place}"]')

    async def is_(self, status: str) -> None:
        await expect(self.page.locator(".standing > .state")).to_have_text(status)

    async def violations(self, axe: str) -> list[Any]:
        """What axe-core finds of WCAG 2.2 AA and of its best practices."""
        await self.page.evaluate(axe)
        found: list[Any] = await self.page.evaluate(
            "async () => (await axe.run()).violations.map(v => [v.id, v.nodes.map(n => n.failureSummary + n.html)])"
        )
        return found

    async def picture(self, name: str) -> None:
        """docs/images/console-<name>.png, where PENSTOCK_SCREENSHOTS is set."""
        if os.environ.get("PENSTOCK_SCREENSHOTS"):
            IMAGES.mkdir(exist_ok=True)
            await self.page.screenshot(path=IMAGES / f"console-{name}.png")


@asynccontextmanager
async def tab(
    browser: Browser, url: str, *, size: dict[str, int] = DESKTOP, scheme: Scheme = "light"
) -> AsyncIterator[Console]:
    """Closed at the end; then nothing has gone wrong in it."""
    context = await browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    console = Console(await context.new_page(), url)
    yield console
    await context.close()
    assert console.faults == []


def state(system: System, job: str) -> dict[str, object]:
    """What the gateway says of the job."""
    found: dict[str, object] = httpx.get(f"{system.url('gateway')}/jobs/{job}", trust_env=False).json()
    return found
