"""What a type checker makes of `from penstock import …`. `make types` checks this file; nothing runs it."""

from collections.abc import Awaitable
from typing import assert_type

from examples.debate.pattern import ARGUE, PATTERN, ArgueInput, DebateRequest, DebateResult
from penstock import (
    HttpClient,
    NatsClient,
    Options,
    Pattern,
    PatternFailure,
    PatternRequest,
    Run,
    Step,
    StepFailed,
    Tool,
    Wire,
    __version__,
)


def an_author(run: Run, given: ArgueInput) -> None:
    assert_type(PATTERN, Pattern[DebateRequest, DebateResult])
    assert_type(PATTERN.example.options.rounds, int)
    assert_type(ARGUE, Step[ArgueInput, str])
    assert_type(run.step(ARGUE, given), Awaitable[str])


async def a_caller(http: HttpClient, nats: NatsClient) -> None:
    for client in (http, nats):
        assert_type(await client.run(PATTERN, {"motion": "x"}), DebateResult)
        assert_type(await client.submit(PATTERN, DebateRequest(motion="x")), str)


def others(failed: StepFailed, raised: PatternFailure, tool: Tool[ArgueInput, DebateResult]) -> None:
    assert_type((failed.code, raised.code, tool.name, __version__), tuple[str, str, str, str])
    kinds: tuple[type[Wire], ...] = (Options, PatternRequest)
    assert_type(kinds, tuple[type[Wire], ...])
