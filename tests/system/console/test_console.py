"""What a person sees and does in the console: jobs grow, are cancelled, approved, followed over a reload and a kill."""

import json
import re

import pytest
from playwright.async_api import Browser, expect

from penstock import jobs
from penstock.jetstream.connection import connect
from penstock.settings import Settings
from tests.support.gateway_process import serving_gateway
from tests.support.keys import new_key
from tests.support.simulator import Steering
from tests.system.cli.system import System
from tests.system.console.browser import PHONE, Console, Scheme, state, tab

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERNS = (
    "sequential-processing",
    "routing",
    "parallel-processing",
    "orchestrator-worker",
    "evaluator-optimizer",
    "multi-step-tool-usage",
)


async def test_each_pattern_runs_from_its_example(console: Console, shared_system: System) -> None:
    """Each member of the result is in its place, there is who wrote it, and the drawing shows what is done."""
    for pattern in PATTERNS:
        job = await console.run(pattern)
        await console.is_("completed")
        result = state(shared_system, job)["result"]
        assert isinstance(result, dict)
        for member in result:
            await expect(console.part(f"/{member}"), pattern).to_have_class(re.compile("^part (whole)? *$"))
        assert await console.page.locator(".part > h3 > .writer").count() > 0, pattern
        assert await console.page.locator(".drawing .node.completed").count() > 0, pattern


async def test_parts_appear_in_the_order_in_which_they_are_written(console: Console, gemini: Steering) -> None:
    await gemini.rule(step="draft", reply={"hold": "draft"})
    await gemini.rule(step="evaluate", reply={"hold": "evaluate"})
    await console.run("sequential-processing")
    draft, evaluation = console.part("/originalContent"), console.part("/evaluation")
    await expect(draft.locator(".writer.growing")).to_contain_text("draft-1")
    await expect(draft.locator(".prose, .text")).not_to_be_empty()
    await expect(evaluation).to_have_class("part  to-come")
    await gemini.release("draft")
    await expect(evaluation.locator("h3 .writer.growing")).to_contain_text("evaluate-1")
    await expect(draft.locator(".writer.whole")).to_contain_text("draft-1")
    await gemini.release("evaluate")
    await console.is_("completed")


async def test_what_is_no_json_is_not_run(console: Console) -> None:
    """Nor the request that stood there before: the field has the focus. The example takes its place."""
    await console.open("run/routing")
    await console.page.get_by_role("button", name="As JSON").click()
    field = console.page.get_by_label("Request, as JSON")
    await field.fill('{"query": "MINE"')
    await expect(console.page.locator(".field .error")).to_be_visible()
    run = console.page.get_by_role("button", name="Run", exact=True)
    for button in (run, console.page.get_by_role("button", name="As a form")):
        await button.click()
        await expect(field).to_be_focused()
    await field.press("Control+Enter")
    assert [one.url for one in console.requests if one.method == "POST"] == []
    await field.fill('{"query": "MINE"}')
    await run.click()
    await console.is_("completed")
    (posted,) = [one for one in console.requests if one.method == "POST"]
    assert posted.post_data_json == {"query": "MINE"}
    await expect(field).to_have_value(re.compile("MINE"))
    await field.fill("{")
    await console.page.get_by_role("button", name="Example").click()
    await expect(field).to_have_value(re.compile("502"))
    await expect(console.page.locator(".field .error")).to_have_count(0)


async def test_what_does_not_fit_is_said_at_its_field(console: Console) -> None:
    """And nowhere else; of an option that is folded away, below."""
    await console.open("run/routing")
    await expect(console.page.locator("details .hint code").first).to_have_text("quality")
    await console.page.get_by_label("Query", exact=True).fill("")
    run = console.page.get_by_role("button", name="Run", exact=True)
    await run.click()
    await expect(console.page.locator(".field.wrong")).to_have_text(re.compile("Query.*at least 1 character"))
    problem = console.page.locator(".request .problem")
    await expect(problem).to_have_text("invalid_request It does not fit: see above.")
    await console.page.get_by_role("button", name="Example").click()
    await console.page.get_by_text("More options").click()
    await console.page.get_by_label("Deadline seconds").fill("-1")
    await console.page.get_by_text("More options").click()
    await run.click()
    await expect(problem).to_contain_text("/options/deadlineSeconds")


async def test_a_job_that_only_waits_has_its_wait_in_the_timeline(console: Console) -> None:
    """What is no JSON is not sent to it."""
    await console.run("ask")
    await console.is_("waiting")
    await expect(console.page.locator(".steps-none")).to_have_text("It waits. It has had no step so far.")
    await console.page.locator(".head a").click()
    row = console.page.locator(".timeline li", has_text="for “answer”")
    await expect(row.locator(".state")).to_have_class("state waiting")
    await row.get_by_role("button").click()
    await expect(console.page.get_by_label("Answer")).to_be_focused()
    await console.page.get_by_label("Answer").fill("Yes.")
    notes, send = console.page.get_by_label("Notes"), console.page.get_by_role("button", name="Send")
    await notes.fill('{"by": ')
    await send.click()
    await expect(notes).to_be_focused()
    assert [one.url for one in console.requests if "/signals/" in one.url] == []
    await notes.fill('{"by": "Ada"}')
    await send.click()
    await console.is_("completed")
    await expect(row.locator(".state")).to_have_class("state completed")
    await expect(row.get_by_role("button")).to_have_count(0)
    await expect(console.part("/answer")).to_contain_text("Yes.")


async def test_a_job_is_shown_by_its_own_pattern_or_not_at_all(console: Console) -> None:
    job = await console.run("routing")
    await console.is_("completed")
    await console.open(f"run/letter/{job}")
    await console.page.wait_for_url(f"**/#/run/routing/{job}")
    await expect(console.part("/response")).not_to_be_empty()
    await console.open(f"run/routing/{jobs.new_job_id()}")
    await expect(console.page.locator(".outcome .problem")).to_contain_text("unknown_job")
    await expect(console.page.locator(".outcome > *")).to_have_count(2)  # with its heading


async def test_a_waiting_job_is_approved(console: Console, shared_system: System) -> None:
    """The form is that of the signal's body; what does not fit is said at its field."""
    job = await console.run("letter", Subject="a lantern")
    await console.is_("waiting")
    await expect(console.part("/text")).to_contain_text("this is about a lantern")
    await console.page.locator(".head a").click()
    rows = console.page.locator(".timeline li")
    await expect(rows).to_have_text([re.compile("^write-1"), re.compile("^approval-1")])
    form = console.page.locator("form.waits")
    await expect(form.locator(".field.needed")).to_have_text(re.compile("Remark"))
    await expect(form).to_contain_text("Not ticked is sent as no.")
    await expect(form).to_be_in_viewport()
    await form.get_by_role("button", name="Send").click()
    await expect(form.locator(".field.wrong")).to_have_text(re.compile("Remark.*required"))
    await form.get_by_label("Approved").check()
    await form.get_by_label("Remark").fill("Send it.")
    await form.get_by_role("button", name="Send").click()
    await console.is_("completed")
    result = state(shared_system, job)["result"]
    assert isinstance(result, dict)
    assert result["approval"] == {"approved": True, "remark": "Send it."}


async def test_jobs_are_found_by_their_pattern_state_and_id(console: Console, gemini: Steering) -> None:
    """Their list is live: one that ends is shown so without a reload."""
    await gemini.rule(step="respond", reply={"hold": "respond"})
    job = await console.run("routing")
    await console.open("jobs?pattern=routing")
    row = console.page.locator("tbody tr", has_text=job)
    await expect(row).to_contain_text("running")
    await gemini.release("respond")
    await expect(row).to_contain_text("completed")
    await console.page.get_by_label("State").select_option("failed")
    await expect(row).to_have_count(0)
    by_id = console.page.get_by_label("Id")
    await by_id.fill(job[-8:])
    await by_id.press("Enter")
    await expect(console.page.get_by_text("None of those listed")).to_be_visible()
    for text in (job, job[-8:]):
        await console.open("jobs?pattern=routing")
        await expect(row).to_be_visible()
        await by_id.fill(text)
        await by_id.press("Enter")
        await expect(console.page.get_by_role("heading", level=1)).to_contain_text(job)


async def test_the_keyboard_is_enough(console: Console) -> None:
    """A field keeps what is typed, and the focus, until it is left."""
    await console.open("run/routing")
    query = console.page.get_by_label("Query", exact=True)
    await query.fill("Where is my lantern?")
    before = await query.bounding_box()
    await query.press("Control+Enter")
    await console.is_("completed")
    await expect(query).to_be_focused()
    assert await query.bounding_box() == before
    await query.press("Escape")
    await console.page.locator("body").press("j")
    await expect(console.page.locator("table.jobs")).to_be_visible()
    await console.page.locator("body").press("r")
    await expect(console.page.get_by_role("button", name="Run", exact=True)).to_be_visible()


async def test_the_request_is_copied_for_other_places(console: Console) -> None:
    await console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await console.open("run/routing")
    for language, word in (("curl", "curl -N"), ("Python", "HttpClient"), ("JavaScript", "await fetch")):
        await console.page.get_by_role("button", name=language).click()
        await expect(console.page.get_by_role("button", name="Copied").first).to_be_visible()
        text = await console.page.evaluate("navigator.clipboard.readText()")
        assert word in text
        assert f"{console.url}" in text
        assert json.loads(text.rpartition("-d '")[2].rstrip("'"))["query"] if language == "curl" else True


async def test_a_gateway_with_keys_is_given_one(browser: Browser, shared_system: System) -> None:
    """It is asked for once a tab, sent with each request, streams too, and is in no address and no snippet."""
    settings = Settings(nats_url=shared_system.nats_url, open=False)
    bus = await connect(settings, "test")
    made = await new_key(bus)
    async with serving_gateway(settings) as gateway, tab(browser, gateway.url) as console:
        await console.open("run/routing")
        key = console.page.get_by_label("Key")
        await key.fill("psk_wrong")
        await key.press("Enter")
        await expect(console.page.get_by_text("not valid")).to_be_visible()
        await key.fill(made.text)
        await key.press("Enter")
        await console.page.get_by_role("button", name="Run", exact=True).click()
        await console.is_("completed")
        await console.page.reload()
        await console.is_("completed")
        assert not [one.url for one in console.requests if made.text in one.url]
        await console.open("fleet")
        await expect(console.page.get_by_text("penstock keys create NAME --admin")).to_be_visible()
        await console.page.get_by_role("button", name="Forget key").click()
        await expect(key).to_be_visible()
    await bus.connection.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["desktop", "phone"])
async def test_views_are_accessible_and_fit(
    browser: Browser, shared_system: System, gemini: Steering, axe: str, scheme: Scheme, width: str
) -> None:
    """axe-core finds nothing in any view, and nothing is wider than the screen."""
    size = {"size": PHONE} if width == "phone" else {}
    async with tab(browser, shared_system.url("gateway"), scheme=scheme, **size) as console:
        await gemini.rule(step="improve", times=1, reply={"hold": "improve"})
        await console.run("sequential-processing")
        await expect(console.part("/improvedContent").locator(".writer.growing")).to_be_visible()
        found = {"run": await console.violations(axe)}
        pictures = [f"{view}-{width}" + ("-dark" if scheme == "dark" else "") for view in ("run", "job", "jobs")]
        await console.picture(pictures[0])
        await console.page.locator(".head a").click()
        await expect(console.page.locator(".timeline")).to_be_visible()
        await gemini.release("improve")
        await console.is_("completed")
        await expect(console.page.locator(".timeline button", has_text="evaluate-2")).to_be_visible()
        await console.page.locator(".timeline button", has_text="evaluate-1").click()
        await expect(console.page.locator(".given")).to_be_visible()
        await console.page.evaluate("scrollTo(0, 0)")
        await console.picture(pictures[1])
        await console.page.get_by_role("button", name="as received").click()
        found["job"] = await console.violations(axe)
        await console.open("jobs")
        await expect(console.page.locator("tbody tr").first).to_be_visible()
        found["jobs"] = await console.violations(axe)
        await console.picture(pictures[2])
        assert found == {"run": [], "job": [], "jobs": []}
        for view in ("run/routing", "jobs"):
            await console.open(view)
            await expect(console.page.locator("main form")).to_be_visible()
            assert await console.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
