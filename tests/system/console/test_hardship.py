"""The console where keys change hands, clocks are off, the gateway is away, events are gone, and a schema is odd."""

import re
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from penstock.callers.keys import Keys
from penstock.contracts.wire import DEFAULT_TENANT, JobName
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.jetstream.connection import connect
from penstock.settings import Settings
from tests.support.gateway_process import serving_gateway
from tests.support.keys import new_key
from tests.system.cli.system import System, until
from tests.system.console.browser import Console, tab

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEPT = "Object.values(sessionStorage).join()"
#: As by "Back", once the tab has another key.
BROUGHT_BACK = """
sessionStorage.setItem("penstock.key", "psk_other");
dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
"""


@pytest_asyncio.fixture(loop_scope="session")
async def bus(shared_system: System) -> AsyncIterator[Bus]:
    bus = await connect(Settings(nats_url=shared_system.nats_url), "test")
    yield bus
    await bus.connection.close()


@pytest.fixture
def waiting(shared_system: System) -> str:
    """A job that waits for approval."""
    url = shared_system.url("gateway")
    headers = {"Prefer": "respond-async"}
    job = httpx.post(f"{url}/letter", json={"subject": "a lantern"}, headers=headers, trust_env=False).json()["id"]
    until(lambda: httpx.get(f"{url}/jobs/{job}", trust_env=False).json()["status"] == "waiting", lambda: job)
    return str(job)


async def enter(console: Console, key: str) -> None:
    await console.page.get_by_label("Key").fill(key)
    await console.page.get_by_label("Key").press("Enter")


async def test_what_was_seen_with_a_key_is_forgotten_with_it(browser: Browser, shared_system: System, bus: Bus) -> None:
    """The next reader sees neither result nor request, nor are they in the tab: forgotten by hand, or revoked."""
    first, second, third = [await new_key(bus, tenant=tenant) for tenant in ("forgets", "sees", "revokes")]
    async with (
        serving_gateway(Settings(nats_url=shared_system.nats_url, open=False)) as gateway,
        tab(browser, gateway.url) as console,
    ):
        main, query = console.page.locator("main"), console.page.get_by_label("Query", exact=True)
        await console.open("run/routing")
        await enter(console, first.text)
        await console.run("routing", Query="a secret lantern")
        await console.is_("completed")
        await expect(main).to_contain_text("a secret lantern")
        await console.page.get_by_role("button", name="Forget key").click()
        await expect(console.page.get_by_label("Key")).to_be_visible()
        assert await console.page.evaluate("sessionStorage.length") == 0
        await enter(console, second.text)
        await expect(main.get_by_text("unknown_job")).to_be_visible()
        await expect(main).not_to_contain_text("secret")
        await expect(query).not_to_have_value("a secret lantern")
        assert "secret" not in await console.page.evaluate(KEPT)

        job = await console.run("routing", Query="another secret")
        await console.is_("completed")
        await Keys(bus).revoke(second.key.id)
        await console.page.reload()
        await expect(console.page.get_by_text("not valid")).to_be_visible()
        assert await console.page.evaluate("sessionStorage.length") == 0
        await enter(console, third.text)
        await expect(main.get_by_text("unknown_job")).to_be_visible()
        await expect(main).not_to_contain_text("secret")
        await console.open(f"jobs/{job}")
        await expect(main.get_by_text("unknown_job")).to_be_visible()
        assert "secret" not in await console.page.evaluate(KEPT)

        await console.open("run/routing")
        await query.fill("a third secret")
        await console.page.evaluate(BROUGHT_BACK)
        await expect(console.page.get_by_text("not valid")).to_be_visible()
        assert await console.page.evaluate("sessionStorage.length") == 0


async def test_a_job_whose_events_are_gone_is_approved(console: Console, waiting: str, bus: Bus) -> None:
    """What it waits for is in its state, where no event and no snapshot tells it."""
    await bus.jetstream.purge_stream("EVENTS", subject=subjects.events(JobName(DEFAULT_TENANT, waiting)))
    form = console.page.locator("form.waits")
    await console.page.route("**/events", lambda _: None)
    await console.open(f"jobs/{waiting}")
    await console.is_("waiting")
    await expect(form).to_be_visible()
    await console.page.unroute("**/events")
    await console.page.reload()
    await console.is_("waiting")
    await form.get_by_label("Remark").fill("Send it.")
    await form.get_by_role("button", name="Send").click()
    await console.is_("completed")
    await expect(form).to_have_count(0)


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_browser_s_clock_may_be_off(console: Console, waiting: str, hours: int) -> None:
    """What is under way, and "the last 15 minutes", are by the gateway's clock."""
    await console.page.add_init_script(f"const now = Date.now; Date.now = () => now() + {hours * 3_600_000}")
    await console.open(f"jobs/{waiting}")
    row = console.page.locator(".timeline li", has_text="approval-1")
    await expect(row.locator(".took")).to_have_text(re.compile(r"^(\d+ ms|\d\d?\.\d s)$"))
    widths = await console.page.locator(".track .stretch").evaluate_all("all => all.map(one => one.offsetWidth)")
    assert all(2 <= width <= 1280 for width in widths)
    await console.page.reload()
    await console.open("jobs?within=900")
    await expect(console.page.locator("tbody tr", has_text=waiting)).to_be_visible()
    await console.page.goto("about:blank")
    console.requests.clear()
    await console.open("jobs?within=900&pattern=letter")
    await expect(console.page.locator("tbody tr", has_text=waiting)).to_be_visible()
    asked = [parse_qs(urlsplit(one.url).query) for one in console.requests if "/jobs?" in one.url]
    assert [abs(float(one["since"][0]) - (time.time() - 900)) < 30 for one in asked] == [True] * len(asked)


async def test_an_address_that_changes_before_the_page_is_painted_is_followed(console: Console) -> None:
    await console.page.add_init_script("addEventListener('DOMContentLoaded', () => { location.hash = '#/usage' })")
    await console.open("fleet")
    await expect(console.page.get_by_role("heading", name="Usage", level=1)).to_be_visible()


@pytest.mark.parametrize("status", [None, 502])
async def test_a_view_opened_while_the_gateway_is_away_comes_when_it_is_back(
    console: Console, waiting: str, status: int | None
) -> None:
    async def away(route: Route) -> None:
        await (route.abort() if status is None else route.fulfill(status=status, body="no gateway"))

    await console.open("jobs")
    await expect(console.page.locator("table.jobs")).to_be_visible()
    await console.page.route(f"**/jobs/{waiting}", away)
    await console.open(f"jobs/{waiting}")
    await expect(console.page.locator("main .problem")).to_be_visible()
    await console.page.unroute(f"**/jobs/{waiting}")
    await console.is_("waiting")
    await expect(console.page.locator("main .problem")).to_have_count(0)


async def test_a_view_comes_once_the_browser_is_online(console: Console, waiting: str) -> None:
    """At once, however long it was away."""
    await console.page.clock.install()
    await console.open("jobs")
    await expect(console.page.locator("table.jobs")).to_be_visible()
    await console.page.context.set_offline(True)
    await console.open(f"jobs/{waiting}")
    problem = console.page.locator("main .problem")
    await expect(problem).to_have_text("The gateway does not answer.")
    for _ in range(5):
        async with console.page.expect_event("requestfailed"):
            await console.page.clock.fast_forward(15_000)
    await console.page.clock.pause_at(await console.page.evaluate("Date.now() + 1"))
    await console.page.context.set_offline(False)
    await expect(problem).to_have_count(0)


LOOP = {"type": "object", "properties": {"other": {"$ref": "#/$defs/Loop"}}, "required": ["other"]}


async def test_a_schema_that_holds_itself_has_a_form(console: Console) -> None:
    """With a box for JSON where it would go on for ever."""

    async def altered(route: Route) -> None:
        contract = await (await route.fetch()).json()
        contract["request"]["$defs"] = {**contract["request"].get("$defs", {}), "Loop": LOOP}
        contract["request"]["properties"]["loop"] = {"$ref": "#/$defs/Loop"}
        contract["request"]["required"].append("loop")
        await route.fulfill(json=contract)

    await console.page.route("**/patterns/letter", altered)
    await console.open("run/letter")
    await expect(console.page.get_by_label("Subject")).to_be_visible()
    await expect(console.page.locator("legend", has_text="Other")).to_have_count(4)
    await expect(console.page.locator("fieldset textarea.mono")).to_have_count(1)


async def test_a_part_of_a_job_that_breaks_leaves_the_others(console: Console, waiting: str) -> None:
    async def broken(route: Route) -> None:
        contract = await (await route.fetch()).json()
        await route.fulfill(json={**contract, "request": {"anyOf": 5}})

    await console.page.route("**/patterns/letter", broken)
    await console.open(f"jobs/{waiting}")
    await expect(console.page.locator("section", has_text="Request").get_by_role("alert")).to_contain_text("broke")
    await expect(console.page.locator("form.waits")).to_be_visible()
    await console.is_("waiting")


@pytest.mark.parametrize("place", ["jobs/..", "jobs/.", "jobs/%2e%2e", "run/..", "run/routing/..", "run/..%2fjobs"])
async def test_an_id_does_not_leave_its_path(console: Console, place: str) -> None:
    await console.open(place)
    await expect(console.page.locator("main")).to_have_text("There is no such page.")
    assert [one.url for one in console.requests if one.resource_type == "fetch"] == []


async def test_a_stream_may_be_as_silent_as_its_gateway_is(
    browser: Browser, shared_system: System, waiting: str
) -> None:
    """Until a heartbeat has told how often they come, minutes; then three of them, and 50 s at the least."""
    for heartbeat, silences in ((600, (290, 11)), (0.3, (51,))):
        settings = Settings(nats_url=shared_system.nats_url, open=True, heartbeat=heartbeat)
        async with serving_gateway(settings) as gateway, tab(browser, gateway.url) as console:
            await console.page.clock.install()
            await console.open(f"jobs/{waiting}")
            await expect(console.page.locator("form.waits")).to_be_visible()
            await console.page.wait_for_timeout(1_000)
            lost = console.page.locator(".standing .lost")
            for seconds in silences:
                await expect(lost).to_have_count(0)
                assert len(console.cursors) == 1
                await console.page.clock.fast_forward(seconds * 1000)
            async with console.page.expect_request("**/events"):
                await expect(lost).to_be_visible()
            await expect(lost).to_have_count(0)
