"""The endpoints, Gemini's and below `/simulator` those for steering, and what serves them."""

import socket

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from penstock.simulator.answer import answer
from penstock.simulator.delivery import Delivery, chunks_of
from penstock.simulator.failure import Failure
from penstock.simulator.ledger import Ledger
from penstock.simulator.prompt import read_prompt
from penstock.simulator.schema import properties_of, resolved
from penstock.simulator.wire import Call, CallQuery, Pace, Rule

_MODELS = ("gemini-3-pro", "gemini-3-flash", "gemini-2.5-pro", "gemini-2.5-flash")


def build(pace: Pace) -> Starlette:
    """A simulator of its own, with rules and accounts in memory: two built ones share nothing."""
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
        try:
            if fault.status is not None:
                message = fault.message or f"The simulator was told to answer {fault.status}."
                raise Failure(fault.status, message, fault.retry_delay)
            chunks = [*chunks_of(answer(prompt, rule), prompt, call, blocked=fault.prompt_blocked)]
        except Failure:
            ledger.end(call, "failed")
            raise
        return Delivery(call, ledger, rule, pace, chunks)

    async def add_rule(request: Request) -> Response:
        ledger.rules.append(Rule.model_validate_json(await request.body()))
        return JSONResponse({})

    async def release(request: Request) -> Response:
        ledger.gates[request.path_params["name"]].set()
        return JSONResponse({})

    async def clear(_: Request) -> Response:
        nonlocal ledger
        for gate in ledger.gates.values():
            gate.set()
        ledger = Ledger()
        return JSONResponse({})

    async def calls(request: Request) -> Response:
        found = await ledger.calls(CallQuery.model_validate(dict(request.query_params)))
        return JSONResponse([call.model_dump() for call in found])

    async def stats(_: Request) -> Response:
        return JSONResponse(ledger.stats.model_dump())

    models = JSONResponse({"models": [{"name": f"models/{name}", "version": "simulator"} for name in _MODELS]})
    gemini = [Route("/models/{model}:{method}", generate, methods=["POST"]), Route("/models", models)]
    return Starlette(
        routes=[
            Mount("/v1", routes=gemini),
            Mount("/v1beta", routes=gemini),
            Route("/simulator", clear, methods=["DELETE"]),
            Route("/simulator/rules", add_rule, methods=["POST"]),
            Route("/simulator/release/{name}", release, methods=["POST"]),
            Route("/simulator/calls", calls),
            Route("/simulator/stats", stats),
        ],
        exception_handlers={ValidationError: _unreadable, Failure: _failed},
    )


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, Failure)
    return error.response


async def _unreadable(_: Request, error: Exception) -> Response:
    """422 that names each field that is wrong."""
    assert isinstance(error, ValidationError)
    wrong = [{"field": ".".join(map(str, one["loc"])) or "body", "message": one["msg"]} for one in error.errors()]
    return JSONResponse({"errors": wrong}, status_code=422)


def listening(host: str, port: int) -> tuple[socket.socket, str]:
    """A socket that listens, and its URL; port 0 is a free one. Raises OSError if the address is taken."""
    listener = socket.create_server((host, port), backlog=4096)
    return listener, f"http://{host}:{listener.getsockname()[1]}"


def server(pace: Pace) -> uvicorn.Server:
    """A server that, when it stops, drops what is held or hangs. Idle connections stay: a test may come back to one."""
    config = uvicorn.Config(build(pace), lifespan="off", log_config=None, log_level="critical", backlog=4096)
    config.timeout_keep_alive, config.timeout_graceful_shutdown = 600, 0
    return uvicorn.Server(config)
