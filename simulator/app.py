"""Wires a simulator: rules and ledger in memory, Gemini's endpoints and those for steering on top."""

from __future__ import annotations

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.config import Config
from simulator.control import Control, unreadable
from simulator.gemini import Gemini
from simulator.ledger import Ledger
from simulator.rulebook import RuleBook


def build(config: Config) -> Starlette:
    """A simulator of its own: two built ones share nothing."""
    rules, ledger = RuleBook(), Ledger(config)
    gemini, control = Gemini(config, rules, ledger), Control(rules, ledger)
    routes = [
        Route("/{version}/models/{target}", gemini.post, methods=["POST"]),
        Route("/{version}/models/{target}", gemini.get_model, methods=["GET"]),
        Route("/{version}/models", gemini.list_models, methods=["GET"]),
        Route("/simulator/rules", control.add_rule, methods=["POST"]),
        Route("/simulator/rules", control.show_rules, methods=["GET"]),
        Route("/simulator/rules", control.clear_rules, methods=["DELETE"]),
        Route("/simulator/release/{name}", control.release, methods=["POST"]),
        Route("/simulator/calls", control.calls, methods=["GET"]),
        Route("/simulator/calls", control.reset_calls, methods=["DELETE"]),
        Route("/simulator/stats", control.stats, methods=["GET"]),
        Route("/simulator/wait", control.wait, methods=["GET"]),
        Route("/simulator/health", _health, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={ValidationError: unreadable})


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})
