"""The client: one connection pool for all calls, one attempt for each."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import cache
from typing import Any
from urllib.request import getproxies

import httpx2
from google import genai
from google.genai import types
from pydantic import BaseModel

from penstock.contracts.prompt import Prompt
from penstock.contracts.tool import Declaration, Tool
from penstock.contracts.turns import TextPiece, ToolCall
from penstock.errors import Misconfigured, ModelSilent, PenstockError
from penstock.llm.access import access_of
from penstock.llm.calls import told
from penstock.llm.chunk import Chunk
from penstock.llm.failure import failure_of
from penstock.llm.reply import Reply
from penstock.llm.request import KINDS, Question, words_of
from penstock.llm.selector import Asked
from penstock.llm.stream import RawStream, Stream
from penstock.llm.stream_request import Requests, Unsent
from penstock.llm.stream_sdk import SdkStream
from penstock.llm.transport import AiohttpTransport
from penstock.llm.usage import Meter, usage_of
from penstock.settings import Models
from penstock.settings.secret_file import SecretFile

#: Calls at the same time; those above it wait for a connection, up to `model_first_token_timeout`.
_CONNECTIONS = 1_000
_CONNECT_SECONDS = 10.0
#: Seconds that an idle connection is kept.
_IDLE = 30.0
#: Loading them takes 30 ms: once for all clients of a process.
_certificates = cache(httpx2.create_ssl_context)


class Llm:
    """The one door to a model. To be used in one event loop, with `aclose` at the end.

    Raises Misconfigured when made without access to a model, or with a key that must not be sent (`access_of`).
    """

    def __init__(self, settings: Models) -> None:
        self.settings = settings
        access = access_of(settings)
        if access is None:
            raise Misconfigured("no API key: set GEMINI_API_KEY, or a base URL that needs none")
        #: Whether a call's labels go along as X-Penstock headers: not to Google.
        self.traces = not access.google
        self._address = access.base_url or ""
        self._key: Callable[[], str] = lambda: access.key
        if access.file is not None:
            self._key = SecretFile(access.file, "the API key's file")
        # Error texts must not hold one, nor that which was in the file before.
        self._secrets = {access.key}
        certificates = _certificates()
        # What is not encrypted goes to its host and to no proxy that the environment names. httpx2 knows proxies.
        proxied = bool(getproxies()) and not access.plain
        self._http = httpx2.AsyncClient(
            verify=certificates,
            trust_env=proxied,
            transport=None if proxied else AiohttpTransport(certificates, connections=_CONNECTIONS, keepalive=_IDLE),
            limits=httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=32, keepalive_expiry=_IDLE),
            # A redirect would take the key to another host.
            follow_redirects=False,
            event_hooks={"request": [self._limit, self._authorize]},
        )
        # Our own HTTP client in full: the SDK would otherwise take aiohttp if that happens to be installed, which it
        # retries by itself. enterprise=False: no environment variable makes this another API.
        self._sdk = genai.Client(
            enterprise=False,
            api_key=access.key,
            http_options=types.HttpOptions(
                base_url=access.base_url,
                httpx_async_client=self._http if settings.sdk_stream else httpx2.AsyncClient(transport=Unsent()),
                # For clients that are never used, but would each load all certificates again.
                client_args={"verify": certificates},
                async_client_args={"ssl": certificates},
            ),
        )
        #: What `identity` says of each kind of question, but for its words.
        self._kinds: dict[Hashable, bytes] = {}
        self._stream: Stream
        if settings.sdk_stream:
            self._stream = SdkStream(self._sdk, self._http)
        else:
            self._stream = RawStream(Requests(self._sdk), self._http)

    async def aclose(self) -> None:
        """Closes all connections; calls in flight fail as ModelUnavailable."""
        await self._http.aclose()
        await self._sdk.aio.aclose()
        self._sdk.close()

    @told
    async def stream(
        self,
        prompt: Prompt,
        *,
        asked: Asked,
        output: type[BaseModel] | type[str] = str,
        tools: Sequence[Tool[Any, Any] | Declaration] = (),
        labels: Mapping[str, str],
        meter: Meter,
        max_output_tokens: int | None = None,
    ) -> AsyncGenerator[TextPiece | ToolCall, None]:
        """Asks once, and yields the reply while it arrives; when it ends, the reply is complete.

        With `output` a model the reply is JSON by its schema, but not validated here. `labels`: tokens by name, so
        that they are safe in headers. Closing the generator closes the connection at once; use `contextlib.aclosing`
        where it may be left early.

        Raises ModelUnavailable, ModelFailure, OutputTruncated, OutputInvalid; those may come after pieces.
        """
        reply = Reply(asked.model)
        settings = self.settings
        if max_output_tokens is not None:
            settings = settings.model_copy(update={"model_max_output_tokens": max_output_tokens})
        question = Question(
            prompt=prompt,
            asked=asked,
            output=output,
            tools=tools,
            settings=settings,
            headers={f"X-Penstock-{name.title()}": label for name, label in labels.items() if self.traces},
        )
        cut_off = True
        try:
            async with aclosing(self._chunks(question)) as received:
                async for chunks in received:
                    for chunk in chunks:
                        for piece in reply.read(chunk):
                            yield piece
            reply.end()
        except PenstockError as error:
            cut_off = isinstance(error, ModelSilent)
            raise
        finally:
            if reply.begun:
                meter.add(usage_of(reply.metadata, reply.model), reply.model)
            elif cut_off:
                meter.cut_off(asked.model)

    def identity(
        self,
        prompt: Prompt,
        *,
        asked: Asked,
        output: type[BaseModel] | type[str],
        tools: Sequence[Tool[Any, Any] | Declaration],
    ) -> bytes:
        """What `stream` would ask, and of whom: two calls with the same are the same question.

        All that the model would read is in it.
        """
        settings, wordless = self.settings, Prompt("", ())
        question = Question(wordless, asked=asked, output=output, tools=tools, settings=settings, headers={})
        kind = question.kind
        how = self._kinds.get(kind)
        if how is None:
            if len(self._kinds) >= KINDS:
                self._kinds.clear()
            config = question.config.model_dump_json(exclude_none=True)
            how = self._kinds[kind] = "\n".join((self._address, asked.model, config, "")).encode()
        return how + words_of(prompt)

    async def _chunks(self, question: Question) -> AsyncGenerator[Sequence[Chunk], None]:
        """The stream within the time limits, with its errors as ours."""
        seen: list[httpx2.Response] = []
        now, settings = asyncio.get_running_loop().time, self.settings
        end, patience = now() + settings.model_timeout, settings.model_first_token_timeout
        stream = self._stream.chunks(question, seen)
        try:
            while True:
                async with asyncio.timeout_at(min(now() + patience, end)):
                    chunks = await anext(stream)
                yield chunks
                patience = settings.model_idle_timeout
        except StopAsyncIteration:
            return
        except Exception as error:  # the SDK has no list of what it raises
            failure = failure_of(error, question.asked.model, seen[-1] if seen else None, self._secrets)
        finally:
            with suppress(Exception):
                await stream.aclose()
        raise failure

    async def _authorize(self, request: httpx2.Request) -> None:
        """By the key that the file has now, in the place of the one that the SDK was made with."""
        self._secrets.add(key := self._key())
        request.headers["x-goog-api-key"] = key

    async def _limit(self, request: httpx2.Request) -> None:
        """The SDK passes one time-out for everything, or none. The limits of a whole call are kept in `_chunks`."""
        request.extensions["timeout"] = {
            "connect": _CONNECT_SECONDS,
            "read": self.settings.model_timeout,
            "write": self.settings.model_first_token_timeout,
            "pool": self.settings.model_first_token_timeout,
        }
