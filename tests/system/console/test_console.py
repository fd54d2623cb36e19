"""What a person sees and does in the console: jobs grow, are cancelled, approved, followed over a reload and a kill."""

import asyncio
import json
import os
import re
import signal

import httpx
import pytest
from playwright.async_api import Browser, expect

from penstock import jobs
from penstock.contracts.events import PartValue
from penstock.contracts.wire import DEFAULT_TENANT, JobName
from penstock.jetstream import subjects
from penstock.jetstream.connection import connect
from penstock.settings import Settings
from tests.support.gateway_process import serving_gateway
from tests.support.keys import new_key
from tests.support.simulator import Steering
from tests.system.cli.system import System
from tests.system.console.browser import PHONE, Console, Scheme, tab

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATTERNS = (
    "sequential-processing",
    "routing",
    "parallel-processing",
    "orchestrator-worker",
    "evaluator-optimizer",
    "multi-step-tool-usage",
)


def state(system: System, job: str) -> dict[str, object]:
    found: dict[str, object] = httpx.get(f"{system.url('gateway')}/jobs/{job}", trust_env=False).json()
    return found


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
    row = console.page.locator(".timeline button", has_text="for “answer”")
    await expect(row.locator(".state")).to_have_class("state waiting")
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


async def test_a_waiting_job_is_approved(console: Console, shared_system: System) -> None:
    """The form is that of the signal's body; what does not fit is said at its field."""
    job = await console.run("letter", Subject="a lantern")
    await console.is_("waiting")
    await expect(console.part("/text")).to_contain_text("this is about a lantern")
    await console.page.locator(".head a").click()
    await expect(console.page.locator(".timeline button", has_text="for “approval”")).to_be_visible()
    form = console.page.locator("form.waits")
    await form.get_by_role("button", name="Send").click()
    await expect(form.locator(".field.wrong")).to_have_text(re.compile("Remark.*required"))
    await form.get_by_label("Approved").check()
    await form.get_by_label("Remark").fill("Send it.")
    await form.get_by_role("button", name="Send").click()
    await console.is_("completed")
    result = state(shared_system, job)["result"]
    assert isinstance(result, dict)
    assert result["approval"] == {"approved": True, "remark": "Send it."}


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
