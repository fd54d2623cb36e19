"""`/dead-letters`: what `penstock dead` does, over HTTP."""

from typing import Any

import httpx

from penstock import jobs
from penstock.jetstream import subjects
from tests.support.gateway_process import GatewayServer, serving_gateway
from tests.support.keys import bearer, new_key
from tests.support.pipeline import Pipeline

BODY = b'{"query": "Our API answers 502"}'


async def letter(pipeline: Pipeline, subject: str, body: bytes = BODY, reason: str = "poisoned") -> int:
    """One as a service leaves it; its number."""
    headers = {
        subjects.DEAD_REASON_HEADER: reason,
        subjects.DEAD_DETAIL_HEADER: "given up at delivery 9",
        subjects.DEAD_SUBJECT_HEADER: subject,
        subjects.DEAD_STREAM_HEADER: subjects.stream_of(subject),
        subjects.DEAD_SEQUENCE_HEADER: "1",
    }
    return await pipeline.bus.append(subjects.dead(subject), body, headers=headers)


async def listed(gateway: GatewayServer, **query: Any) -> tuple[list[int], str | None]:
    page = (await gateway.http.get("/dead-letters", params=query)).raise_for_status().json()
    return [one["number"] for one in page["letters"]], page.get("next")


async def test_they_are_listed_page_by_page(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """Newest first; by reason and by subject; one of them with what it is a copy of."""
    numbers = [await letter(pipeline, f"jobs.default.routing.job-{n}", reason="poisoned") for n in range(5)]
    other = await letter(pipeline, "hooks.default.job-5", reason="webhook_undelivered")
    found, cursor = await listed(gateway, limit=4)
    assert found == [other, *reversed(numbers[2:])]
    assert await listed(gateway, limit=4, cursor=cursor) == ([*reversed(numbers[:2])], None)
    assert (await listed(gateway, reason="webhook_undelivered"))[0] == [other]
    assert (await listed(gateway, subject="jobs.*.*.job-3"))[0] == [numbers[3]]
    shown = (await gateway.http.get(f"/dead-letters/{numbers[0]}")).json()
    assert (shown["subject"], shown["job"], shown["content"]) == ("jobs.default.routing.job-0", "job-0", BODY.decode())
    assert (await gateway.http.get("/fleet")).json()["deadLetters"] == 6


async def test_a_job_is_replayed_as_one_new_job(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """A step with its whole job only; what is not there, or cannot be replayed, is refused."""
    number = await letter(pipeline, f"jobs.default.routing.{jobs.new_job_id()}")
    first = (await gateway.http.post(f"/dead-letters/{number}/replay")).json()
    again = (await gateway.http.post(f"/dead-letters/{number}/replay")).json()
    assert (first["new"], again) == (True, first | {"new": False})
    assert (await pipeline.result(first["job"]))["response"]
    step = await letter(pipeline, f"steps.normal.workers.routing.respond.default.{first['job']}.respond-1", b"{}")
    assert told(await gateway.http.post(f"/dead-letters/{step}/replay")) == (409, "not_replayable")
    whole = (await gateway.http.post(f"/dead-letters/{step}/replay", params={"wholeJob": True})).json()
    assert whole["new"]
    await pipeline.result(whole["job"])
    for method, path in (("GET", ""), ("POST", "/replay"), ("DELETE", "")):
        answer = await gateway.http.request(method, f"/dead-letters/999999{path}")
        assert told(answer) == (404, "unknown_dead_letter")


async def test_they_are_purged(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """One, those from subjects or with a reason, or all; not all by mistake."""
    numbers = [await letter(pipeline, f"jobs.default.{pattern}.{n}") for n in range(40) for pattern in ("one", "two")]
    assert (await gateway.http.delete(f"/dead-letters/{numbers[0]}")).json() == {"purged": 1}
    assert told(await gateway.http.delete("/dead-letters")) == (400, "invalid_parameter")
    purged = await gateway.http.delete("/dead-letters", params={"subject": "jobs.*.two.*", "reason": "poisoned"})
    assert purged.json() == {"purged": 40}
    assert (await listed(gateway, limit=100))[0] == [*reversed(numbers[2::2])]
    assert (await gateway.http.delete("/dead-letters", params={"subject": ">"})).json() == {"purged": 39}
    assert await pipeline.dead_letters() == []


async def test_they_are_for_admins(pipeline: Pipeline) -> None:
    """To see, to replay and to purge."""
    number = await letter(pipeline, f"jobs.default.routing.{jobs.new_job_id()}")
    admin, other = await new_key(pipeline.bus, admin=True), await new_key(pipeline.bus)
    async with serving_gateway(pipeline.settings.model_copy(update={"publish": "192.0.2.1"})) as gateway:
        paths = [("GET", ""), ("GET", f"/{number}"), ("POST", f"/{number}/replay"), ("DELETE", f"/{number}")]
        for key, status in ((other, 403), (admin, 200)):
            for method, path in [*paths, ("DELETE", "?subject=%3E")]:
                answer = await gateway.http.request(method, f"/dead-letters{path}", headers=bearer(key))
                assert answer.status_code == status, answer.text


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_letter_is_of_where_it_was_whatever_its_headers_say(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """An executor may write letters: one that it made up is listed and purged, and its replay writes nowhere else."""
    made_up = {subjects.DEAD_SUBJECT_HEADER: "$KV.KEYS.x=y", subjects.DEAD_STREAM_HEADER: subjects.HOOKS}
    wrong = {subjects.DEAD_SEQUENCE_HEADER: "first", subjects.DEAD_LENGTH_HEADER: "-1"}
    numbers = [
        await pipeline.bus.append(subjects.dead(origin), b"{}", headers=made_up | wrong)
        for origin in ("$KV.KEYS.x=y", "events.default.x=y", "jobs.x", "hooks.x")
    ]
    for number in numbers:
        answer = await gateway.http.post(f"/dead-letters/{number}/replay")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_replayable"), answer.text
    for subject in ("$KV.KEYS.x=y", "events.default.x=y"):
        assert await pipeline.bus.last_from_leader(subject) is None
    page = (await gateway.http.get("/dead-letters")).json()["letters"]
    assert [(one["number"], one["sequence"], one["length"]) for one in page] == [(n, 0, 2) for n in reversed(numbers)]
    assert (await gateway.http.delete("/dead-letters", params={"subject": ">"})).json() == {"purged": 4}
