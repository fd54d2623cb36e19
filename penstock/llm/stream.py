"""The model's stream, read below the SDK: it makes the request and the errors, and its objects are left out."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Protocol

import httpx2
from google.genai.errors import APIError

from penstock.llm.chunk import Chunk, chunk_of
from penstock.llm.request import Question
from penstock.llm.stream_events import Events
from penstock.llm.stream_request import Requests


class Stream(Protocol):
    def chunks(self, question: Question, seen: list[httpx2.Response]) -> AsyncGenerator[Sequence[Chunk], None]:
        """Asks once, and yields those that came together; `seen` gets the response. Closing it closes the connection.

        Raises what `failure_of` takes: the SDK's errors and the HTTP client's, and ValueError, TypeError,
        AttributeError or RecursionError for what cannot be read.
        """


class RawStream:
    """A sixth of what it takes the SDK to read the same. What is read and what is raised are the same, too, but that
    comments and other fields of events are passed over, which the SDK cannot read.
    """

    def __init__(self, requests: Requests, http: httpx2.AsyncClient) -> None:
        self._requests, self._http = requests, http

    async def chunks(self, question: Question, seen: list[httpx2.Response]) -> AsyncGenerator[Sequence[Chunk], None]:
        """As Stream's."""
        response = await self._http.send(await self._requests.of(question), stream=True)
        seen.append(response)
        try:
            await APIError.raise_for_async_response(response)
            events = Events()
            async with aclosing(response.aiter_bytes()) as received:
                async for data in received:
                    for chunks in _together(events.read(data)):
                        yield chunks
            for chunks in _together(events.end()):
                yield chunks
        finally:
            await response.aclose()


def _together(texts: Iterable[str]) -> Iterator[Sequence[Chunk]]:
    """All of them at once, also where what comes after them raises."""
    chunks: list[Chunk] = []
    failure: Exception | None = None
    try:
        for text in texts:
            chunks.append(_checked(chunk_of(text)))
    except Exception as error:
        failure = error
    if chunks:
        yield chunks
    if failure is not None:
        raise failure


def _checked(chunk: Chunk) -> Chunk:
    if "error" in chunk.model_fields_set:
        APIError.raise_error(chunk.error.get("code"), {"error": chunk.error}, None)
    return chunk
