"""What a model says is text, however hostile, long or much it is."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from penstock.contracts.events import PartValue
from penstock.contracts.wire import DEFAULT_TENANT, JobName
from penstock.jetstream import subjects
from penstock.jetstream.connection import connect
from penstock.settings import Settings
from tests.support.simulator import Steering
from tests.system.cli.system import System
from tests.system.console.browser import Console

pytestmark = pytest.mark.asyncio(loop_scope="session")


HOSTILE = """<script>window.hacked = 1</script> <img src=x onerror="window.hacked = 2">

[a link](javascript:window.hacked=3) [data](data:text/html,<script>window.hacked=4</script>) [good](https://example.com/)
[here](http:jobs) [here](https:/jobs)

![an image](https://example.com/tracks.png) <a href="javascript:window.hacked=5">raw</a> <svg onload="window.hacked=6">

```html
<script>window.hacked = 7</script>
```
"""


async def test_what_a_model_says_is_text(console: Console, gemini: Steering) -> None:
    """Neither scripts nor addresses that run one, nor images from elsewhere."""
    await gemini.rule(step="respond", reply={"merge": {"response": HOSTILE, "nextSteps": [HOSTILE, "<b>bold</b>"]}})
    await console.run("routing")
    await console.is_("completed")
    response = console.part("/response")
    await expect(response).to_contain_text("<script>window.hacked = 1</script>")
    await expect(response).to_contain_text("<script>window.hacked = 7</script>")
    links = await console.page.locator(".prose a[href]").evaluate_all("all => all.map(one => one.href)")
    assert set(links) == {"https://example.com/", "https://example.com/tracks.png"}
    for link in await console.page.locator(".prose a:not([href])").all():
        await link.click()
    assert await console.page.locator(".part :is(script, img, svg, iframe, b, [onerror], [onload])").count() == 0
    assert await console.page.evaluate("window.hacked") is None
    assert [one.url for one in console.requests if not one.url.startswith((console.url, "data:"))] == []


async def test_a_very_long_line_is_shown_in_part(console: Console, gemini: Steering) -> None:
    """And the page can be reloaded."""
    await gemini.rule(step="respond", reply={"merge": {"response": "lantern " * 30_000}})
    await console.run("routing")
    await console.is_("completed")
    await expect(console.part("/response")).to_contain_text("40,000 characters more")
    await console.page.reload()
    await console.is_("completed")
    await expect(console.part("/response")).to_contain_text("40,000 characters more")


async def tell(system: System, job: str, count: int) -> None:
    """Publishes events of the run: the value of a place of its result, again and again."""
    bus = await connect(Settings(nats_url=system.nats_url), "test")
    told = [PartValue(id=f"told-{n}", p="/estimatedResolutionTime", t=f'"{n} s"') for n in range(count)]
    for some in (told[at : at + 250] for at in range(0, count, 250)):
        subject = subjects.events(JobName(DEFAULT_TENANT, job))
        await asyncio.gather(*(bus.publish(subject, event.model_dump_json().encode()) for event in some))
    await bus.connection.close()


async def test_of_very_many_events_those_in_sight_are_in_the_page(
    console: Console, gemini: Steering, shared_system: System
) -> None:
    await gemini.rule(step="respond", reply={"hold": "respond"})
    job = await console.run("routing")
    await gemini.wait(step="respond", held="respond")
    await tell(shared_system, job, 10_000)
    await gemini.release("respond")
    await console.open(f"jobs/{job}")
    await console.is_("completed")
    shown = console.page.get_by_role("button", name="as received")
    await expect(shown).to_have_text(re.compile(r"Show 10,\d+ as received"))
    await shown.click()
    rows = console.page.locator(".events li")
    await expect(rows.last).to_contain_text("job.completed")
    assert await rows.count() < 100
    await console.page.locator(".events").evaluate("box => { box.scrollTop = 0 }")
    await expect(rows.first).to_contain_text("job.accepted")
