"""What the request-reply endpoints (penstock.nats_api) take and answer beside requests and job states."""

from typing import Any

from penstock.contracts.wire import Token, Tolerant, Wire


class JobReference(Wire):
    """Which job is meant."""

    id: Token


class PatternContract(Tolerant):
    """A pattern: what it takes and gives as JSON Schema, and a request that shows it."""

    name: str
    summary: str
    request: dict[str, Any]
    result: dict[str, Any]
    example: dict[str, Any]


class PatternList(Tolerant):
    patterns: tuple[PatternContract, ...]
