"""The endpoints of the Gemini API."""

from __future__ import annotations

from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator.answer import answer
from simulator.chunks import chunks_of, whole
from simulator.config import Config
from simulator.delivery import Delivered, Delivery
from simulator.failure import InvalidRequest, failure
from simulator.ledger import Ledger, Origin
from simulator.models import described
from simulator.pace import Pace
from simulator.prompt import Prompt, read_prompt
from simulator.rule import PaceChange, Rule
from simulator.rulebook import RuleBook

VERSIONS = frozenset({"v1", "v1beta"})
_LARGE = 200_000


class Gemini:
    """Answers calls by the rules and books them."""

    def __init__(self, config: Config, rules: RuleBook, ledger: Ledger) -> None:
        self._config = config
        self._rules = rules
        self._ledger = ledger

    async def post(self, request: Request) -> Response:
        """`POST /{version}/models/{model}:{method}`"""
        model, _, method = request.path_params["target"].rpartition(":")
        if request.path_params["version"] not in VERSIONS or not model:
            return failure(404, "Requested entity was not found.")
        try:
            body = await self._body(request)
            prompt = (
                await run_in_threadpool(read_prompt, model, body) if len(body) > _LARGE else read_prompt(model, body)
            )
            match method:
                case "countTokens":
                    return JSONResponse({"totalTokens": prompt.tokens})
                case "generateContent":
                    return self._generate(method, request, prompt)
                case "streamGenerateContent" if request.query_params.get("alt") == "sse":
                    return self._generate(method, request, prompt)
                case "streamGenerateContent":
                    return failure(400, "The simulator streams server-sent events only: add ?alt=sse.")
                case _:
                    return failure(404, f"Method {method} is not found for API version of the simulator.")
        except InvalidRequest as error:
            return failure(error.code, error.message)

    async def list_models(self, request: Request) -> Response:
        """`GET /{version}/models`"""
        if request.path_params["version"] not in VERSIONS:
            return failure(404, "Requested entity was not found.")
        return JSONResponse({"models": [described(model) for model in self._config.models]})

    async def get_model(self, request: Request) -> Response:
        """`GET /{version}/models/{model}`"""
        if request.path_params["version"] not in VERSIONS:
            return failure(404, "Requested entity was not found.")
        return JSONResponse(described(request.path_params["target"]))

    async def _body(self, request: Request) -> bytes:
        limit = self._config.max_request_bytes
        too_large = InvalidRequest(f"Request payload size exceeds the limit: {limit} bytes.")
        if int(request.headers.get("content-length") or 0) > limit:
            raise too_large
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > limit:
                raise too_large
        return bytes(body)

    def _generate(
        self, method: Literal["generateContent", "streamGenerateContent"], request: Request, prompt: Prompt
    ) -> Response:
        headers = request.headers
        origin = Origin(headers.get("x-penstock-step"), headers.get("x-penstock-job"), headers.get("x-penstock-key"))
        call = self._ledger.open(method, prompt, origin)
        try:
            delivery = self._delivery(prompt, self._rules.decide(call, prompt), streamed=method != "generateContent")
        except InvalidRequest as error:
            delivery = Delivery([], Pace(), streamed=False, error=failure(error.code, error.message))
        except BaseException:
            self._ledger.close(call, "failed")
            raise
        return Delivered(delivery, call, self._ledger)

    def _delivery(self, prompt: Prompt, rule: Rule | None, *, streamed: bool) -> Delivery:
        reply = rule.reply if rule else None
        fault = rule.fault if rule else None
        gate = reply.hold if reply else None
        error = None
        if fault is not None and fault.status is not None:
            error = failure(fault.status, fault.message, fault.retry_delay)
        silent = error is not None or (fault is not None and fault.hang)
        made = None if silent else answer(prompt, reply, fault)
        chunks = [] if made is None else chunks_of(made, prompt) if streamed else [whole(made, prompt)]
        return Delivery(
            chunks=chunks,
            pace=_paced(self._config.pace, reply.pace if reply else None),
            streamed=streamed,
            gate=self._rules.gate(gate) if gate else None,
            gate_name=gate,
            hold_before=bool(reply and reply.hold_before) or (gate is not None and error is not None),
            break_after=fault.break_after_chunks if fault else None,
            hang=bool(fault and fault.hang),
            error=error,
        )


def _paced(pace: Pace, change: PaceChange | None) -> Pace:
    if change is None:
        return pace
    return Pace(
        ttft=pace.ttft if change.ttft is None else change.ttft,
        tokens_per_second=pace.tokens_per_second if change.tokens_per_second is None else change.tokens_per_second,
    )
