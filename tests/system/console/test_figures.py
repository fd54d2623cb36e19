"""Each figure of the console is that of `/metrics` and `GET /usage`: jobs, steps, calls, tokens, cost, slots."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from prometheus_client.parser import text_string_to_metric_families

from penstock.testing.threads import in_thread
from tests.support.simulator import Steering
from tests.system.cli.system import System, until
from tests.system.console.browser import Console, tab
from tests.system.console.priced import priced

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Of a slot, a job, a step; and the labels of what a model was paid.
SLOTS, USED = "penstock_slots", "penstock_slots_in_use"
JOBS, STEPS, REQUESTS = "penstock_jobs_total", "penstock_step_attempts_total", "penstock_http_requests_total"
CALLS, TOKENS, COST = "penstock_model_calls_total", "penstock_model_tokens_total", "penstock_model_cost_usd_total"


@dataclass(frozen=True)
class Sample:
    pid: int
    service: str
    name: str
    labels: Mapping[str, str]
    value: float


class Observed:
    """A running system, whose replies have a price, as its own metrics and routes tell of it."""

    def __init__(self, system: System, gemini: Steering) -> None:
        self.system, self.gemini, self.url = system, gemini, system.url("gateway")

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=60).raise_for_status().json()

    def run(self, pattern: str, **body: Any) -> str:
        """A job, to its end; its id."""
        headers = {"Accept": "text/event-stream"}
        answer = httpx.post(f"{self.url}/{pattern}", json=body, headers=headers, trust_env=False, timeout=60)
        return answer.headers["x-job-id"]

    def metrics(self) -> list[Sample]:
        """All that all processes count."""
        found = []
        for process in json.loads((self.system.data / "processes.json").read_text()):
            if process["metrics"]:
                text = httpx.get(process["metrics"], trust_env=False, timeout=60).raise_for_status().text
                service = process["name"].rpartition("-")[0]
                found += [
                    Sample(process["pid"], service, one.name, one.labels, one.value)
                    for family in text_string_to_metric_families(text)
                    for one in family.samples
                ]
        return found


def sum_of(
    samples: list[Sample], name: str, matches: Callable[[Sample], bool] = lambda one: True, **labels: str
) -> float:
    return sum(
        one.value for one in samples if one.name == name and matches(one) and labels.items() <= one.labels.items()
    )


@pytest.fixture(scope="module")
def simulated() -> Iterator[tuple[str, str]]:
    with in_thread(priced()) as addresses:
        yield addresses


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def observed(tmp_path_factory: pytest.TempPathFactory, simulated: tuple[str, str]) -> AsyncIterator[Observed]:
    """With jobs that have ended, one of them failed, one with a call that was paid for nothing; and one that runs."""
    steered, asked = simulated
    data = tmp_path_factory.mktemp("figures") / "data"
    with System(data, PENSTOCK_MODEL_BASE_URL=asked) as system:
        async with Steering(steered) as gemini:
            observed = Observed(system, gemini)
            await gemini.rule(step="classify", times=1, fault={"status": 400})
            await asyncio.to_thread(observed.run, "routing", query="Where is nothing?")
            await gemini.rule(step="respond", times=1, fault={"breakAfterChunks": 2})
            await asyncio.to_thread(observed.run, "routing", query="Where is my order?")
            await asyncio.to_thread(observed.run, "multi-step-tool-usage", problem="What is 6 * 7?")
            await gemini.rule(step="respond", times=1, reply={"hold": "respond"})
            body, headers = {"query": "Where is my lantern?"}, {"Prefer": "respond-async"}
            httpx.post(f"{observed.url}/routing", json=body, headers=headers, trust_env=False).raise_for_status()
            await gemini.wait(step="respond", held="respond")
            # who has just told of a job's end may still hold its slot
            await asyncio.to_thread(until, lambda: sum_of(observed.metrics(), USED) == 2, observed.metrics)
            yield observed


@pytest_asyncio.fixture(loop_scope="session")
async def console(browser: Browser, observed: Observed) -> AsyncIterator[Console]:
    async with tab(browser, observed.url) as opened:
        yield opened


async def figures(console: Console) -> dict[str, str]:
    """Those at the top of a view, by their names."""
    await expect(console.page.locator(".figures")).to_be_visible()
    pairs = await console.page.locator(".figures > div").evaluate_all(
        "all => all.map(one => [one.querySelector('dt').textContent, one.querySelector('dd').textContent])"
    )
    return {name: said.strip() for name, said in pairs}


async def rows(console: Console, table: str) -> list[list[str]]:
    """The cells of a table, those that are hidden on a phone too."""
    found: list[list[str]] = await console.page.locator(f"{table} tbody tr, {table} tfoot tr").evaluate_all(
        "all => all.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    )
    return found


@pytest.mark.long
async def test_the_fleet_s_figures_are_those_of_its_processes_metrics(console: Console, observed: Observed) -> None:
    """By process: slots, slots in use, what it has done, what failed. Requests grow with each look: those between."""
    await console.open("fleet")
    await expect(console.page.locator("section", has_text="Processes").locator("tbody tr").first).to_be_visible()
    before = await asyncio.to_thread(observed.metrics)
    await console.page.reload()
    shown = await figures(console)
    processes = await rows(console, "section:has(> h2:text-is('Processes')) table")
    after = await asyncio.to_thread(observed.metrics)

    of = {one.pid: one.service for one in after}
    assert len(processes) == len(of) == int(shown["Processes"])
    for _, process, _, _, slots, _, done, _, failed in processes:
        pid = int(process.split()[-1])

        def its(name: str, samples: list[Sample], pid: int = pid, **labels: str) -> int:
            return round(sum_of(samples, name, lambda one: one.pid == pid, **labels))

        if of[pid] == "gateway":
            assert its(REQUESTS, before) <= number(done) <= its(REQUESTS, after)
            continue
        assert slots == f"{its(USED, after):,}/{its(SLOTS, after):,}", of[pid]
        ended = its(JOBS, after, end="completed") + its(STEPS, after, end="completed")
        assert number(done) == ended, of[pid]
        assert number(failed) == its(JOBS, after, end="failed") + its(STEPS, after, end="failed"), of[pid]
    assert shown["Slots in use"] == f"{sum_of(after, USED):,.0f} of {sum_of(after, SLOTS):,.0f}"
    assert sum_of(after, USED) == 2, "that of the job which runs, and that of its step"
    assert number(shown["Dead letters"]) == max(one.value for one in after if one.name == "penstock_dead_letters")

    listed = observed.get("/jobs")["jobs"]
    for end in ("completed", "failed"):
        assert sum_of(after, JOBS, end=end) == len([job for job in listed if job["status"] == end]), end
    steps = [step for job in listed for step in observed.get(f"/jobs/{job['id']}")["steps"]]
    assert sum_of(after, STEPS, end="completed") == len([step for step in steps if "problem" not in step])
    assert sum_of(after, STEPS, end="failed") == len([step for step in steps if "problem" in step]) == 1


async def test_usage_is_what_the_workers_have_counted(console: Console, observed: Observed) -> None:
    """Calls, tokens and dollars: the figures, and the sums by pattern and by model. What was wasted is in them."""
    await observed.gemini.release("respond")

    def added_up() -> bool:
        ended = all(job["status"] in ("completed", "failed") for job in observed.get("/jobs")["jobs"])
        return ended and observed.get("/usage")["total"]["calls"] == sum_of(observed.metrics(), CALLS)

    await asyncio.to_thread(until, added_up, lambda: observed.get("/usage"))
    counted = await asyncio.to_thread(observed.metrics)
    for by in ("pattern", "model"):
        report = observed.get(f"/usage?by={by}")
        await console.open(f"usage?by={by}")
        await expect(console.page.locator(".sums tbody tr")).to_have_count(len(report["rows"]))
        table = {cells[0]: cells[1:] for cells in await rows(console, ".sums")}
        assert table.keys() == {"All", *(row[by] for row in report["rows"])}
        for row in [*report["rows"], report["total"]]:
            labels = {by: row[by]} if row.get(by) else {}
            kinds = [sum_of(counted, TOKENS, kind=kind, **labels) for kind in ("prompt", "output", "thinking")]
            wasted = sum_of(counted, TOKENS, use="wasted", **labels)
            cost = sum_of(counted, COST, **labels)
            name = str(row.get(by, "All"))
            assert table[name] == said(sum_of(counted, CALLS, **labels), *kinds, sum(kinds), wasted, cost=cost), name
            assert [row["calls"], row["promptTokens"], row["outputTokens"], row["thinkingTokens"]] == [
                sum_of(counted, CALLS, **labels),
                *kinds,
            ]
            assert row["costUsd"] == pytest.approx(cost, abs=1e-9)
            assert cost > 0
        shown = await figures(console)
        calls, *_, tokens, wasted_tokens, dollars = table["All"]
        assert shown == {"Calls": calls, "Tokens": tokens, "Cost": dollars, "Wasted tokens": wasted_tokens}
    assert sum_of(counted, TOKENS, use="wasted") > 0, "the call that broke off"


def said(*numbers: float, cost: float) -> list[str]:
    """As the console says numbers, and money."""
    return [*(f"{number:,.0f}" for number in numbers), f"${cost:.{2 if cost >= 1 else 4}f}"]


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))
