"""The model's stream as the SDK reads it: every chunk becomes its objects, which takes six times the CPU."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from contextvars import ContextVar

import httpx2
from google import genai

from penstock.llm.chunk import Chunk
from penstock.llm.request import Question, contents_of

#: Where the HTTP client leaves the response of the call it is made for: the SDK keeps it to itself, and its
#: chain of generators closes it only when they are collected.
_RESPONSES: ContextVar[list[httpx2.Response] | None] = ContextVar("penstock_llm_responses", default=None)


class SdkStream:
    def __init__(self, sdk: genai.Client, http: httpx2.AsyncClient) -> None:
        """`http`: the client that `sdk` asks with."""
        self._sdk = sdk
        http.event_hooks["response"].append(_keep)

    async def chunks(self, question: Question, seen: list[httpx2.Response]) -> AsyncGenerator[Sequence[Chunk], None]:
        """As Stream's."""
        stream = await self._sdk.aio.models.generate_content_stream(
            model=question.asked.model, contents=contents_of(question.prompt), config=question.config
        )
        try:
            while True:
                token = _RESPONSES.set(seen)
                try:
                    response = await anext(stream)
                except StopAsyncIteration:
                    return
                finally:
                    _RESPONSES.reset(token)
                yield (Chunk.model_validate(response),)
        finally:
            for response_seen in seen:
                with suppress(httpx2.HTTPError):
                    await response_seen.aclose()
            # Closing the outermost of the SDK's generators would leave those within it to the garbage collector, and to
            # tasks of its making: what they hold in buffers comes now, then an error.
            with suppress(Exception):
                async for _ in stream:
                    pass


async def _keep(response: httpx2.Response) -> None:
    if (seen := _RESPONSES.get()) is not None:
        seen.append(response)
