"""JSON text over HTTP while the model fails at random: whole and right, or visibly broken off."""

import asyncio
import json
from random import Random
from typing import Any

import httpx
import pytest
from pydantic_core import from_json

from penstock import jobs
from penstock.contracts.wire import DEFAULT_TENANT
from penstock.simulator.wire import Fault, Reply
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline
from tests.support.simulator import Steering
from tests.system.real_clients.bodies import examples

#: Jobs of each pattern, at once.
ROUNDS = 4
#: Text that a second attempt writes anew, in the same words or in others.
TEXTS = {"draft": "originalContent", "improve": "improvedContent", "translate": "translation", "respond": "response"}


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_body_is_the_whole_result_or_breaks_off(pipeline: Pipeline, gateway: GatewayServer, seed: int) -> None:
    """Never a clean end of something else, never more than could have become the result."""
    random = Random(seed)
    requests = []
    for number in range(ROUNDS):
        for asked in examples():
            key = f"{seed}-{number}"
            job = jobs.job_of(key, asked.name, DEFAULT_TENANT).id
            await trouble(pipeline.gemini, job, random)
            requests.append(read(gateway.http, asked.name, asked.body, key))
    bodies = await asyncio.gather(*requests)
    whole = 0
    for job, text, ended in bodies:
        state = (await gateway.http.get(f"/jobs/{job}")).json()
        if ended:
            whole += 1
            assert state["status"] == "completed"
            assert json.loads(text) == state["result"]
        else:
            with pytest.raises(json.JSONDecodeError):
                json.loads(text)
            if text:
                from_json(text, allow_partial="trailing-strings")  # raises where it is no beginning of a JSON text
    assert 0 < whole < len(bodies), "the seed is of no use: all went well, or nothing did"


async def trouble(gemini: Steering, job: str, random: Random) -> None:
    """One to three calls of a job go wrong: broken off, refused, cut short or not JSON; some then say another thing."""
    for _ in range(random.randint(1, 3)):
        fault = random.choice(
            [
                Fault(break_after_chunks=random.randint(0, 6)),
                Fault(break_after_chunks=random.randint(1, 3)),
                Fault(status=503),
                Fault(truncate=True),
                Fault(invalid_json=True),
                Fault(safety=True),
            ]
        )
        reply = None
        step: str | None = None
        if random.random() < 0.5:
            step = random.choice(list(TEXTS))
            words = f"{random.choice(['One', 'Another'])} thing. " * 20
            reply = Reply(text=words) if step != "respond" else Reply(merge={"response": words})
        await gemini.rule(job=job, step=step, times=1, skip=random.randint(0, 3), reply=reply, fault=fault)


async def read(http: httpx.AsyncClient, pattern: str, body: dict[str, Any], key: str) -> tuple[str, str, bool]:
    """The job, its text as far as it came, and whether it ended rather than broke off."""
    pieces: list[bytes] = []
    async with http.stream("POST", f"/{pattern}", json=body, headers={"Idempotency-Key": key}) as response:
        assert response.status_code == 200
        try:
            async for piece in response.aiter_bytes():
                pieces.append(piece)
            ended = True
        except httpx.RemoteProtocolError:
            ended = False
    # what is cut off may be in the middle of a character
    return response.headers["x-job-id"], b"".join(pieces).decode(errors="ignore"), ended
