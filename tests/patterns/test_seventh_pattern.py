"""A pattern of one's own: the one in `examples/debate` runs on the real stack."""

import re
from typing import Any

import httpx
import pytest

from examples.debate.pattern import DebateResult
from penstock.local.stack import Stack
from tests.support.simulator import Steering

REQUEST: dict[str, Any] = {"motion": "Small teams should write their services in one language"}


@pytest.mark.asyncio(loop_scope="session")
async def test_one_setting_puts_it_on_the_gateway_with_its_contract(stack: Stack) -> None:
    """No change in the gateway: route, OpenAPI and schemas are there."""
    async with httpx.AsyncClient(base_url=stack.gateway_urls[0]) as http:
        contract = (await http.get("/patterns/debate")).json()
        openapi = (await http.get("/openapi.json")).json()
        refused = await http.post("/debate", json={"motion": "x", "options": {"rounds": 6}})
    assert contract["request"]["properties"].keys() == {"options", "motion"}
    assert "/debate" in openapi["paths"]
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/options/rounds")


@pytest.mark.asyncio(loop_scope="session")
async def test_two_rounds_are_argued_and_judged(stack: Stack, shared_simulator: str) -> None:
    """Both sides speak at once; in the second round each has heard the other; the judge has heard all."""
    async with Steering(shared_simulator) as gemini, httpx.AsyncClient(base_url=stack.gateway_urls[0]) as http:
        await gemini.clear()
        for key in ("pro-1", "contra-1", "pro-2", "contra-2"):
            await gemini.rule(key=key, reply={"text": f"speech {key}"})
        verdict = {"winner": "contra", "reasoning": "It was never answered.", "openQuestions": ["How many?"]}
        await gemini.rule(step="judge", reply={"json": verdict})
        answer = await http.post("/debate", json=REQUEST)
        calls = {call.key: call.prompt for call in await gemini.calls(job=answer.headers["x-job-id"])}
        await gemini.clear()
    DebateResult.model_validate_json(answer.content)
    assert answer.json() == {
        "rounds": [
            {"pro": "speech pro-1", "contra": "speech contra-1"},
            {"pro": "speech pro-2", "contra": "speech contra-2"},
        ],
        "verdict": verdict,
    }
    heard = {key: set(re.findall(r"speech (\S+)", prompt)) for key, prompt in calls.items()}
    first, both = {"pro-1", "contra-1"}, {"pro-1", "contra-1", "pro-2", "contra-2"}
    assert heard == {"pro-1": set(), "contra-1": set(), "pro-2": first, "contra-2": first, "judge-1": both}
