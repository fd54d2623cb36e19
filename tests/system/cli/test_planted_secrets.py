"""What is nobody's business is in no log, metric or problem: planted everywhere, while all goes wrong that can."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.patterns import PATTERNS
from tests.support.patience import PATIENCE
from tests.support.servers import NatsServer
from tests.support.simulator import Steering
from tests.system.cli.system import System
from tests.webhooks.receiver import Receiver

#: Of each, what is looked for.
PLANTED = {
    "the prompt": "planted-prompt",
    "the model's key": "planted-model-key",
    "the password in NATS's URL": "planted-password",
    "the token of NATS": "planted-token",
    "the secret of webhooks": "cGxhbnRlZC13ZWJob29rLXNlY3JldC0x",
    "the query of a webhook's URL": "very-secret",
    "a caller's key": "planted-caller-key",
}
_PROMPTS = {"input", "query", "code", "featureDescription", "text", "problem"}
OWN = """
import logging
import warnings

from penstock import Pattern, PatternRequest, Run, Step, Wire


class Asked(PatternRequest):
    text: str
    where: str


class Given(Wire):
    text: str


async def raises(given: Given) -> str:
    warnings.warn(f"{given.text} is not liked", stacklevel=1)
    try:
        int(given.text)
    except ValueError as error:
        raise KeyError(given.text) from error


RAISES = Step(name="raises", input=Given, output=str, do=raises)


async def raising(run: Run, request: Asked) -> Given:
    if request.where == "pattern":
        raise ValueError(request.text)
    if request.where == "mistake":
        run.put("/text", request.text)
        return Given(text="another")
    return Given(text=await run.step(RAISES, Given(text=request.text), into="/text"))


PATTERN = Pattern(
    name="raising", summary="Raise.", run=raising, request=Asked, result=Given, steps=(RAISES,),
    example=Asked(text="x", where="step"),
)
"""


@pytest.fixture(params=["password", "token"])
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[NatsServer]:
    """Asks for a password, which is in its URL, or for a token, which is in a setting."""
    password, token = PLANTED["the password in NATS's URL"], PLANTED["the token of NATS"]
    options = ("--user", "me", "--pass", password) if request.param == "password" else ("--auth", token)
    async with NatsServer(tmp_path / "nats", *options) as server:
        if request.param == "password":
            server.url = server.url.replace("//", f"//me:{password}@")
        yield server


def requests() -> dict[str, dict[str, Any]]:
    """One of each pattern, with the prompt in every text that may be any."""
    prompt = PLANTED["the prompt"]
    asked = {}
    for pattern in PATTERNS:
        body = pattern.example.model_dump(mode="json", by_alias=True, exclude={"options"})
        asked[pattern.name] = body | {name: f"{prompt} {text}" for name, text in body.items() if name in _PROMPTS}
    return asked


async def told(system: System, hook: str) -> list[str]:
    """All problems: of jobs that failed, and of requests that were refused."""
    prompt, key = PLANTED["the prompt"], PLANTED["a caller's key"]
    answers: list[httpx.Response] = []
    headers = {"Authorization": f"Bearer {key}", "Prefer": "respond-async, wait=60"}
    async with httpx.AsyncClient(
        base_url=system.url("gateway"), headers=headers, timeout=PATIENCE, trust_env=False
    ) as http:
        asked = [(name, {**body, "options": {"webhook": hook}}) for name, body in requests().items()]
        asked += [("raising", {"text": prompt, "where": where}) for where in ("step", "pattern", "mistake")]
        answers += await asyncio.gather(*(http.post(f"/{name}", json=body) for name, body in asked))
        for body in ({"query": {prompt: prompt}}, {"query": prompt, "options": {"deadlineSeconds": prompt}}, [prompt]):
            answers.append(await http.post("/routing", json=body))
        bad_hook = {"query": prompt, "options": {"webhook": f"{hook}#"}}
        answers.append(await http.post("/routing", json=bad_hook))
        answers.append(await http.get(f"/jobs?limit={prompt}"))
        answers.append(await http.get("/nowhere", params={"key": key}))
    return [f"{one.request.url.path} {one.text}" for one in answers if one.is_error]


def _quoted_reply(what: str, line: str) -> bool:
    """The caller is told what the model's reply was that is no output; it may repeat the caller's own prompt."""
    return what == "the prompt" and '"code":"output_invalid"' in line


@pytest.mark.long
async def test_what_is_secret_is_not_logged_counted_or_told(
    server: NatsServer, gemini_url: str, gemini: Steering, tmp_path: Path
) -> None:
    """All six patterns and one whose code raises, at level DEBUG: when they work, when the model refuses our key or
    answers nothing of use, when NATS goes away, and while webhooks are refused.
    """
    folder = tmp_path / "patterns"
    folder.mkdir()
    (folder / "raising.py").write_text(OWN)
    environment: dict[str, Any] = {
        "PENSTOCK_PATTERNS": str(folder),
        "PENSTOCK_LOG_LEVEL": "DEBUG",
        "PENSTOCK_LOG_CONTENTS": "false",
        "PENSTOCK_SHOW_ERRORS": "false",
        "PENSTOCK_MODEL_BASE_URL": gemini_url,
        "PENSTOCK_MODEL_API_KEY": PLANTED["the model's key"],
        "PENSTOCK_MODEL_RETRY_DELAY": "0.01",
        "PENSTOCK_NATS_TOKEN": "" if "@" in server.url else PLANTED["the token of NATS"],
        "PENSTOCK_WEBHOOK_SECRET": f"whsec_{PLANTED['the secret of webhooks']}",
        "PENSTOCK_WEBHOOK_ALLOWED_HOSTS": "127.0.0.1:*",
        "PENSTOCK_WEBHOOK_RETRY_DELAYS": "0.1",
        "PENSTOCK_ACK_WAIT": "2",
    }
    shown: list[str] = []
    async with Receiver(500, 204) as receiver:
        with System(tmp_path / "data", "--nats-url", server.url, **environment) as system:
            shown += await told(system, receiver.url)
            for fault in ({"status": 401}, {"invalidJson": True}):
                await gemini.clear()
                await gemini.rule(fault=fault)
                shown += await told(system, receiver.url)
            await gemini.clear()
            await server.kill()
            shown += [f"away {problem}" for problem in await told(system, receiver.url)]
            await server.start()
            entries = json.loads((system.data / "processes.json").read_text())
            async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
                urls = [str(one["url"]) for one in entries if str(one["url"]).startswith("http")]
                metrics = [(await http.get(f"{url}/metrics")).text for url in urls]
    assert len(metrics) == 4
    codes = {json.loads(one[one.index("{") :])["code"] for one in shown}
    assert {"step_error", "pattern_error", "model_unauthorized", "output_invalid"} <= codes
    assert {"bus_unavailable", "invalid_request", "invalid_parameter"} <= codes
    places = {"problem": "\n".join(shown), "metrics": "\n".join(metrics), "what up prints": system.output()}
    places |= {log.name: log.read_text() for log in (system.data / "logs").iterdir()}
    assert "an executor raised: KeyError in the executor of raises" in places["workers-1.log"]
    assert "a pattern raised: ValueError in the pattern raising" in places["aggregator-1.log"]
    found = [
        f"{what} in {place}: {line[:400]}"
        for place, text in places.items()
        for line in text.splitlines()
        for what, secret in PLANTED.items()
        if (secret in line or secret.encode().hex() in line) and not _quoted_reply(what, line)
    ]
    assert found == []
