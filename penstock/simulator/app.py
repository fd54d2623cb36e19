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
from penstock.simulator.call import Call, CallQuery, Ledger, Method
from penstock.simulator.chunks import chunks_of
from penstock.simulator.config import Config
from penstock.simulator.delivery import Delivery
from penstock.simulator.failure import InvalidRequest, failure
from penstock.simulator.prompt import Prompt, read_prompt
from penstock.simulator.rule import NO_FAULT, Reply, Rule, RuleBook
from penstock.simulator.schema import properties_of, resolved


def build(config: Config) -> Starlette:
    """A simulator of its own, with rules and accounts in memory: two built ones share nothing."""
    rules, ledger = RuleBook(), Ledger(config.kept_calls)
    gemini = _Gemini(config, rules, ledger)

    async def add_rule(request: Request) -> Any:
        return {"id": rules.add(Rule.model_validate_json(await request.body()))}

    async def wait(request: Request) -> Any:
        enough, found = await ledger.wait(_query(request))
        return {"enough": enough, "calls": _listed(found)}

    return Starlette(
        routes=[
            Route("/{version}/models/{target}", gemini.post, methods=["POST"]),
            Route("/{version}/models/{target}", gemini.models, methods=["GET"]),
            Route("/{version}/models", gemini.models, methods=["GET"]),
            _route("POST", "rules", add_rule),
            _route("GET", "rules", lambda _: {"rules": rules.to_json()}),
            _route("DELETE", "rules", lambda _: rules.clear()),
            _route("POST", "release/{name}", lambda request: rules.gate(request.path_params["name"]).set()),
            _route("GET", "calls", lambda request: {"calls": _listed(ledger.calls(_query(request)))}),
            _route("DELETE", "calls", lambda _: ledger.reset()),
            _route("GET", "wait", wait),
            _route("GET", "stats", lambda _: ledger.stats().model_dump(by_alias=True)),
        ],
        exception_handlers={ValidationError: _unreadable, InvalidRequest: _refused},
    )


class _Gemini:
    """Answers calls by the rules and books them."""

    def __init__(self, config: Config, rules: RuleBook, ledger: Ledger) -> None:
        self._config, self._rules, self._ledger = config, rules, ledger

    async def post(self, request: Request) -> Response:
        """`POST /{version}/models/{model}:{method}`"""
        model, _, method = _known(request)["target"].rpartition(":")
        prompt = read_prompt(model, await self._body(request))
        match method:
            case "countTokens":
                return JSONResponse({"totalTokens": prompt.tokens})
            case "streamGenerateContent" if request.query_params.get("alt") != "sse":
                raise InvalidRequest("The simulator streams server-sent events only: add ?alt=sse.")
            case "generateContent" | "streamGenerateContent":
                return self._generate(method, request, prompt)
            case _:
                raise InvalidRequest(f"Method {method} is not found for API version of the simulator.", 404)

    async def models(self, request: Request) -> Response:
        """`GET /{version}/models` and `GET /{version}/models/{model}`: any name will do."""
        target = _known(request).get("target")
        methods = ["generateContent", "streamGenerateContent", "countTokens"]
        described = [
            {"name": f"models/{name}", "version": "simulator", "supportedGenerationMethods": methods}
            for name in ([target] if target else self._config.models)
        ]
        return JSONResponse(described[0] if target else {"models": described})

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > self._config.max_request_bytes:
                raise InvalidRequest(f"Request payload size exceeds the limit: {self._config.max_request_bytes} bytes.")
        return bytes(body)

    def _generate(self, method: Method, request: Request, prompt: Prompt) -> Response:
        call = Call(
            id=self._ledger.last_id + 1,
            method=method,
            model=prompt.model,
            **{name: request.headers.get(f"x-penstock-{name}") for name in ("step", "job", "key")},
            prompt=prompt.whole[: self._config.kept_prompt_chars].encode("utf-8", "replace").decode(),
            schema_properties=[*properties_of(resolved(prompt.schema, prompt.schema))] if prompt.schema else [],
            tools=[function.name for function in prompt.functions],
            results=prompt.results,
            signatures=prompt.signatures,
        )
        self._ledger.open(call)
        try:
            return self._delivery(call, prompt, self._rules.decide(call, prompt.whole))
        except InvalidRequest as error:
            return Delivery(call, self._ledger, error=failure(error.code, str(error)))
        except BaseException:
            self._ledger.close(call, "failed")
            raise

    def _delivery(self, call: Call, prompt: Prompt, rule: Rule | None) -> Delivery:
        reply, fault = (rule and rule.reply) or Reply(), (rule and rule.fault) or NO_FAULT
        if self._config.vary and reply.vary:
            prompt.seed += call.id
        delivery = Delivery(
            call,
            self._ledger,
            streamed=call.method == "streamGenerateContent",
            gate=self._rules.gate(reply.hold) if reply.hold else None,
            gate_name=reply.hold,
            hold_before=reply.hold_before,
            break_after=fault.break_after_chunks,
            hang=fault.hang,
        )
        if fault.status is not None:
            delivery.error = failure(fault.status, fault.message, fault.retry_delay)
        elif not fault.hang:
            delivery.chunks = chunks_of(answer(prompt, reply, fault), prompt, streamed=delivery.streamed)
        pace = reply.pace.model_dump(exclude_none=True) if reply.pace else {}
        delivery.pace = replace(self._config.pace, **pace)
        return delivery


def _known(request: Request) -> dict[str, Any]:
    """The path's parameters, if the version is one that Gemini has."""
    if request.path_params["version"] not in ("v1", "v1beta"):
        raise InvalidRequest("Requested entity was not found.", 404)
    return request.path_params


def _route(method: str, path: str, act: Callable[[Request], Any]) -> Route:
    """A steering endpoint: 200 with what `act` gives, 422 naming the fields if the request is none."""

    async def endpoint(request: Request) -> Response:
        found = act(request)
        return JSONResponse(await found if isawaitable(found) else found)

    return Route(f"/simulator/{path}", endpoint, methods=[method])


def _query(request: Request) -> CallQuery:
    return CallQuery.model_validate(dict(request.query_params))


def _listed(calls: list[Call]) -> list[dict[str, Any]]:
    return [call.model_dump(mode="json", by_alias=True) for call in calls]


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidRequest)
    return failure(error.code, str(error))


async def _unreadable(request: Request, error: Exception) -> Response:
    """422 that names each field that is wrong."""
    assert isinstance(error, ValidationError)
    wrong = [{"field": ".".join(map(str, one["loc"])) or "body", "message": one["msg"]} for one in error.errors()]
    return JSONResponse({"errors": wrong}, status_code=422)
