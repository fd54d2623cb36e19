"""The endpoints, Gemini's and below `/simulator` those for steering, and what serves them."""

import re
import socket
from secrets import compare_digest
from typing import Annotated

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from penstock.simulator.answer import answer
from penstock.simulator.delivery import Delivery, chunks_of
from penstock.simulator.failure import Failure
from penstock.simulator.ledger import Ledger
from penstock.simulator.prompt import read_prompt
from penstock.simulator.schema import properties_of, resolved
from penstock.simulator.wire import Call, CallQuery, Pace, Rule, Stats

#: What the caller says of a call that revises something: its step improves, or it is not the first of its step.
_REVISED = re.compile(r"^improve|-(?:[2-9]|\d{2,})$")


def build(pace: Pace, token: str = "") -> FastAPI:
    """A simulator of its own, with rules and accounts in memory: two built ones share nothing.

    With a token, whoever steers it has it as the password of Basic authentication.
    """
    app = FastAPI(openapi_url=None, strict_content_type=False, exception_handlers={Failure: _failed})
    ledger = Ledger()

    async def generate(request: Request) -> Response:
        method = request.path_params["method"]
        if method not in ("generateContent", "streamGenerateContent"):
            raise Failure(404, f"The simulator has no method {method}.")
        prompt = read_prompt(await request.body())
        schema = prompt.generation_config.response_json_schema or {}
        call = Call(
            id=ledger.stats.calls + 1,
            method=method,
            model=request.path_params["model"],
            **{name: request.headers.get(f"x-penstock-{name}") for name in ("step", "job", "key")},
            prompt=prompt.text,
            schema_properties=[*properties_of(resolved(schema, schema))],
            tools=[*prompt.functions],
            results=prompt.results,
            signatures=[part.thought_signature for part in prompt.parts if part.thought_signature],
        )
        rule = ledger.begin(call)
        fault = rule.fault
        prompt.seed += call.id if rule.reply.vary else 0
        prompt.revised = _REVISED.search(f"{call.step} {call.key}") is not None
        try:
            if fault.status is not None:
                message = fault.message or f"The simulator was told to answer {fault.status}."
                raise Failure(fault.status, message, fault.retry_delay)
            chunks = [*chunks_of(answer(prompt, rule), prompt, call, blocked=fault.prompt_blocked)]
        except Failure:
            ledger.end(call, "failed")
            raise
        return Delivery(call, ledger, rule, pace, chunks)

    for version in ("v1", "v1beta"):  # a plain route, since this one is to be fast
        app.add_route(f"/{version}/models/{{model}}:{{method}}", generate, methods=["POST"])

    def may_steer(given: Annotated[HTTPBasicCredentials | None, Depends(HTTPBasic(auto_error=False))]) -> None:
        if token and not compare_digest((given.password if given else "").encode(), token.encode()):
            raise HTTPException(401, "The token of the run is needed, as the password.")

    control = APIRouter(prefix="/simulator", dependencies=[Depends(may_steer)])

    @control.post("/rules")
    async def add_rule(rule: Rule) -> None:
        ledger.rules.append(rule)

    @control.post("/release/{name}")
    async def release(name: str) -> None:
        ledger.gates[name].set()

    @control.delete("")
    async def clear() -> None:
        nonlocal ledger
        for gate in ledger.gates.values():
            gate.set()
        ledger = Ledger()

    @control.get("/calls")
    async def calls(wanted: Annotated[CallQuery, Query()]) -> list[Call]:
        return await ledger.calls(wanted)

    @control.get("/stats")
    async def stats() -> Stats:
        return ledger.stats

    app.include_router(control)
    return app


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, Failure)
    return error.response


def listening(host: str, port: int) -> tuple[socket.socket, str]:
    """A socket that listens, and its URL; port 0 is a free one. Raises OSError if the address is taken."""
    listener = socket.create_server((host, port), backlog=4096)
    return listener, f"http://{host}:{listener.getsockname()[1]}"


def server(pace: Pace, token: str = "") -> uvicorn.Server:
    """A server that, when it stops, drops what is held or hangs. Idle connections stay: a test may come back to one."""
    config = uvicorn.Config(build(pace, token), lifespan="off", log_config=None, log_level="critical", backlog=4096)
    config.timeout_keep_alive, config.timeout_graceful_shutdown = 600, 0
    return uvicorn.Server(config)
