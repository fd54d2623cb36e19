"""What the Job view shows of a step that is chosen: its input, its prompt as sent, its tool calls, its output."""

import pytest
from playwright.async_api import Locator, expect

from penstock.simulator.wire import PlannedCall, Reply
from tests.support.simulator import Steering
from tests.system.console.browser import PHONE, Console

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<img src=x onerror=window.hacked=1> What is 6 * 7?"


def section(console: Console, name: str) -> Locator:
    return console.page.locator(".given details", has=console.page.locator("summary", has_text=name))


async def choose(console: Console, key: str) -> None:
    await console.page.locator(".timeline button", has_text=key).click()


async def test_a_chosen_step_shows_what_it_was_given_and_asked(console: Console, gemini: Steering, axe: str) -> None:
    """Asked for when it is chosen. All of it is text; what is long is folded but the prompt, which scrolls; nothing is
    wider than a phone.
    """
    call = PlannedCall(name="calculate", args={"expression": "6*7"})
    await gemini.rule(step="think", times=1, reply=Reply(function_calls=(call,)))
    job = await console.run("multi-step-tool-usage", Problem=f"{HOSTILE} {'It is long. ' * 200}")
    await console.is_("completed")
    (sent,) = [call.prompt for call in await gemini.calls(job=job, key="think-1")]
    await console.open(f"jobs/{job}")
    await expect(console.page.locator(".timeline button", has_text="think-1")).to_be_visible()
    assert [one.url for one in console.requests if "/steps/" in one.url] == []
    await choose(console, "think-1")
    await expect(console.page.locator(".facts", has_text="Last attempt took")).to_contain_text("s, by its own clock")
    prompt = section(console, "Prompt as sent")
    await expect(prompt.locator("pre").first).to_be_visible()
    await expect(section(console, "Input").locator("pre")).to_be_hidden()
    system, user = await prompt.locator("pre").all_inner_texts()
    assert HOSTILE in user
    assert f"{system}\n{user}".startswith(sent)
    await expect(section(console, "Tool calls")).to_contain_text("calculate, call-1-1")
    await expect(section(console, "Tool calls")).to_contain_text('"result": "42"')
    await expect(section(console, "Input")).to_contain_text(HOSTILE)
    await expect(section(console, "Output")).to_contain_text('"expression": "6*7"')
    assert await console.violations(axe) == []
    await console.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert await console.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await console.page.set_viewport_size({"width": 1280, "height": 800})
    await choose(console, "call-1-1")
    await expect(section(console, "Input").locator("pre")).to_be_visible()
    await expect(section(console, "Input")).to_contain_text('"expression": "6*7"')
    await expect(section(console, "Prompt as sent")).to_have_count(0)
    assert await console.page.evaluate("window.hacked") is None
    assert [one.url for one in console.requests if not one.url.startswith((console.url, "data:"))] == []


async def test_the_output_of_a_step_comes_when_it_is_done(console: Console, gemini: Steering) -> None:
    await gemini.rule(step="respond", reply={"hold": "respond"})
    job = await console.run("routing")
    await gemini.wait(step="respond", held="respond")
    await console.open(f"jobs/{job}")
    await choose(console, "respond-1")
    await expect(section(console, "Prompt as sent")).to_have_count(1)
    await expect(section(console, "Output")).to_have_count(0)
    await gemini.release("respond")
    await console.is_("completed")
    await expect(section(console, "Output")).to_contain_text("response")
