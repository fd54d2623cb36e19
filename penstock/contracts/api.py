"""What the request-reply endpoints (penstock.nats_api) take and answer beside requests and job states."""

from typing import Any

from penstock.contracts.wire import Fact, Token, Wire


class JobReference(Wire):
    """Which job is meant."""

    id: Token


class PatternContract(Fact):
    """A pattern: what it takes and gives as JSON Schema, and a request that shows it."""

    name: str
    summary: str
    request: dict[str, Any]
    result: dict[str, Any]
    example: dict[str, Any]


class PatternList(Fact):
    patterns: tuple[PatternContract, ...]
