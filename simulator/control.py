"""The steering endpoints below `/simulator/`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator.call import CallStatus
from simulator.ledger import CallFilter, Ledger
from simulator.rule import Rule
from simulator.rulebook import RuleBook


class CallQuery(BaseModel):
    """`?job=&step=&status=&held=&minChunks=` of calls and wait; `count` and `timeout` of wait only."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    job: str | None = None
    step: str | None = None
    status: CallStatus | None = None
    held: str | None = None
    min_chunks: int = Field(default=0, ge=0)
    count: int = Field(default=1, ge=0)
    timeout: float = Field(default=10.0, gt=0, le=600)

    def filter(self) -> CallFilter:
        """The part of the query that picks calls."""
        return CallFilter(self.job, self.step, self.status, self.held, self.min_chunks)


class Control:
    """Changes the rules and reads the accounts."""

    def __init__(self, rules: RuleBook, ledger: Ledger) -> None:
        self._rules = rules
        self._ledger = ledger

    async def add_rule(self, request: Request) -> Response:
        """201 with the rule and its id; 422 naming the field if the body is not a rule."""
        rule = Rule.model_validate_json(await request.body())
        return JSONResponse(self._rules.add(rule).to_json(), status_code=201)

    async def show_rules(self, request: Request) -> Response:
        """All rules in order, with hit counts."""
        return JSONResponse({"rules": [entry.to_json() for entry in self._rules.entries()]})

    async def clear_rules(self, request: Request) -> Response:
        """Forgets the rules and lets go what is held."""
        self._rules.clear()
        return Response(status_code=204)

    async def release(self, request: Request) -> Response:
        """Lets go what is held under a name, now and later."""
        self._rules.gate(request.path_params["name"]).set()
        return Response(status_code=204)

    async def calls(self, request: Request) -> Response:
        """Calls in the order they came."""
        return JSONResponse({"calls": _listed(self._ledger, _query(request).filter())})

    async def reset_calls(self, request: Request) -> Response:
        """Forgets all calls and totals."""
        self._ledger.reset()
        return Response(status_code=204)

    async def stats(self, request: Request) -> Response:
        """The totals."""
        return JSONResponse(self._ledger.stats().model_dump(by_alias=True))

    async def wait(self, request: Request) -> Response:
        """200 as soon as `count` calls match, 408 after `timeout` seconds; both list what matches."""
        query = _query(request)
        enough, found = await self._ledger.wait(query.filter(), query.count, query.timeout)
        calls = [call.model_dump(mode="json", by_alias=True) for call in found]
        return JSONResponse({"calls": calls}, status_code=200 if enough else 408)


async def unreadable(request: Request, error: Exception) -> Response:
    """422 that names each field that is wrong."""
    assert isinstance(error, ValidationError)
    errors = [
        {"field": ".".join(str(step) for step in one["loc"]) or "body", "message": one["msg"]} for one in error.errors()
    ]
    return JSONResponse({"errors": errors}, status_code=422)


def _query(request: Request) -> CallQuery:
    return CallQuery.model_validate(dict(request.query_params))


def _listed(ledger: Ledger, wanted: CallFilter) -> list[dict[str, Any]]:
    return [call.model_dump(mode="json", by_alias=True) for call in ledger.calls(wanted)]
