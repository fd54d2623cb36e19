"""The endpoints: Gemini's, and below `/simulator/` those for steering."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from inspect import isawaitable
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from penstock.simulator.answer import answer
from penstock.simulator.call import Call, CallQuery, Ledger
from penstock.simulator.chunks import chunks_of
from penstock.simulator.delivery import Delivery, Pace
from penstock.simulator.failure import InvalidRequest, failure
from penstock.simulator.prompt import read_prompt
from penstock.simulator.rule import Rule, RuleBook
from penstock.simulator.schema import properties_of, resolved

_KEPT_PROMPT_CHARS = 4_000
_MODELS = ("gemini-3-pro", "gemini-3-flash", "gemini-2.5-pro", "gemini-2.5-flash")


def build(pace: Pace) -> Starlette:
    """A simulator of its own, with rules and accounts in memory: two built ones share nothing."""
    rules, ledger = RuleBook(), Ledger()

    async def generate(request: Request) -> Response:
        model, _, method = request.path_params["target"].rpartition(":")
        if method not in ("generateContent", "streamGenerateContent"):
            return failure(404, f"The simulator has no method {method}.")
        prompt = read_prompt(model, await request.body())
        schema = prompt.generation_config.response_json_schema or {}
        call = Call(
            id=ledger.last_id + 1,
            method=method,
            model=model,
            **{name: request.headers.get(f"x-penstock-{name}") for name in ("step", "job", "key")},
            prompt=prompt.whole[:_KEPT_PROMPT_CHARS],
            schema_properties=[*properties_of(resolved(schema, schema))],
            tools=[function.name for function in prompt.functions],
            results=prompt.results,
            signatures=prompt.signatures,
        )
        ledger.open(call)
        rule = rules.decide(call, prompt.whole)
        reply, fault = rule.reply, rule.fault
        prompt.seed += call.id if reply.vary else 0
        changed = replace(pace, **reply.pace.model_dump(exclude_none=True))
        delivery = Delivery(call, ledger, rule, changed, rules.gate(reply.hold) if reply.hold else None, [])
        if fault.status is not None:
            delivery.error = failure(fault.status, fault.message, fault.retry_delay)
        elif not fault.hang:
            try:
                delivery.chunks = chunks_of(answer(prompt, rule), prompt, streamed=method == "streamGenerateContent")
            except InvalidRequest as error:
                delivery.error = failure(400, str(error))
        return delivery

    async def add_rule(request: Request) -> Any:
        return {"id": rules.add(Rule.model_validate_json(await request.body()))}

    async def wait(request: Request) -> Any:
        return _listed(await ledger.wait(_query(request)))

    def list_models(_: Request) -> Any:
        return {"models": [{"name": f"models/{name}", "version": "simulator"} for name in _MODELS]}

    return Starlette(
        routes=[
            *(Route(f"/{version}/models/{{target}}", generate, methods=["POST"]) for version in ("v1", "v1beta")),
            *(_route("GET", f"/{version}/models", list_models) for version in ("v1", "v1beta")),
            _route("POST", "/simulator/rules", add_rule),
            _route("DELETE", "/simulator/rules", lambda _: rules.clear()),
            _route("POST", "/simulator/release/{name}", lambda request: rules.gate(request.path_params["name"]).set()),
            _route("GET", "/simulator/calls", lambda request: _listed(ledger.calls(_query(request)))),
            _route("DELETE", "/simulator/calls", lambda _: ledger.reset()),
            _route("GET", "/simulator/wait", wait),
            _route("GET", "/simulator/stats", lambda _: ledger.stats.model_dump(by_alias=True)),
        ],
        exception_handlers={ValidationError: _unreadable, InvalidRequest: _refused},
    )


def _route(method: str, path: str, act: Callable[[Request], Any]) -> Route:
    """An endpoint that answers with what `act` gives, as JSON."""

    async def endpoint(request: Request) -> Response:
        found = act(request)
        return JSONResponse(await found if isawaitable(found) else found)

    return Route(path, endpoint, methods=[method])


def _query(request: Request) -> CallQuery:
    return CallQuery.model_validate(dict(request.query_params))


def _listed(calls: list[Call]) -> list[dict[str, Any]]:
    return [call.model_dump(mode="json", by_alias=True) for call in calls]


async def _refused(_: Request, error: Exception) -> Response:
    return failure(400, str(error))


async def _unreadable(_: Request, error: Exception) -> Response:
    """422 that names each field that is wrong."""
    assert isinstance(error, ValidationError)
    wrong = [{"field": ".".join(map(str, one["loc"])) or "body", "message": one["msg"]} for one in error.errors()]
    return JSONResponse({"errors": wrong}, status_code=422)
