"""The plain program: the patterns in one process, with google-genai as its documentation shows it, and no pipeline.

    python -m bench.direct --way every|last|retyped

A small web server whose `POST /<pattern>` answers with server-sent events. It has the coroutines of the patterns, their
prompts and their contracts; a step is a call of the SDK, awaited where it is asked for. Nothing is journaled, retried,
counted or kept: what breaks is lost.

- `every`: each step that readers of Penstock see grow is streamed by the SDK, and shown so.
- `last`: only a pattern's last step is streamed; the others are whole replies. The least that a user would write.
- `retyped`: all steps are whole replies, then one more call writes the result anew, and only that is streamed.
"""

import argparse
import asyncio
import base64
import json
import math
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal, TypeVar, get_args

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from google import genai
from google.genai import types
from pydantic import BaseModel

from bench import fan
from penstock.contracts.prompt import Prompt
from penstock.contracts.step import Complexity, Step
from penstock.contracts.tool import Declaration, Tool
from penstock.contracts.turns import TextPiece, ToolCall, Turn
from penstock.llm.request import contents_of
from penstock.llm.schema import schema_of
from penstock.llm.selector import Asked, choose
from penstock.pattern import Check, StepContext
from penstock.patterns import PATTERNS, AnyPattern
from penstock.settings import Settings
from penstock.simulator.app import listening
from penstock.steps.executor import Executable, executable_of
from penstock.steps.prompts import quoted
from penstock.steps.resources import Resources

Way = Literal["every", "last", "retyped"]
Show = Callable[[str], None]
T = TypeVar("T", bound=BaseModel)

FAN_OUT = 8


class SdkModel:
    """A step's model (`penstock.pattern.Model`), asked once. `show`: where its reply is streamed to, if it is."""

    def __init__(self, client: genai.Client, asked: Asked, headers: dict[str, str], show: Show | None) -> None:
        self._client, self._asked, self._headers, self._show = client, asked, headers, show

    async def text(self, prompt: Prompt, check: Check | None = None, *, stream: bool = False) -> str:
        return (await self._ask(prompt, self._config(prompt))).text

    async def object(self, prompt: Prompt, output: type[T], check: Check | None = None, *, stream: bool = False) -> T:
        schema = schema_of(output)
        config = self._config(prompt, response_mime_type="application/json", response_json_schema=schema)
        found = output.model_validate_json((await self._ask(prompt, config)).text)
        if check and (faults := check(found)):
            raise ValueError("; ".join(faults))
        return found

    async def turn(
        self, prompt: Prompt, tools: Sequence[Tool[Any, Any] | Declaration], *, stream: bool = False
    ) -> Turn:
        functions = [
            types.FunctionDeclaration(
                name=tool.name, description=tool.description, parameters_json_schema=_schema(tool)
            )
            for tool in tools
            if isinstance(tool, Tool)
        ]
        return await self._ask(prompt, self._config(prompt, tools=[types.Tool(function_declarations=functions)]))

    def _config(self, prompt: Prompt, **more: Any) -> types.GenerateContentConfig:
        level = types.ThinkingLevel(str(self._asked.thinking).upper())
        return types.GenerateContentConfig(
            system_instruction=prompt.system or None,
            thinking_config=types.ThinkingConfig(thinking_level=level),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            http_options=types.HttpOptions(headers=self._headers),
            **more,
        )

    async def _ask(self, prompt: Prompt, config: types.GenerateContentConfig) -> Turn:
        models, contents = self._client.aio.models, contents_of(prompt)
        pieces: list[TextPiece | ToolCall] = []
        if self._show is None:
            reply = await models.generate_content(model=self._asked.model, contents=contents, config=config)
            pieces += _pieces(reply)
        else:
            async for chunk in await models.generate_content_stream(
                model=self._asked.model, contents=contents, config=config
            ):
                for piece in _pieces(chunk):
                    pieces.append(piece)
                    if isinstance(piece, TextPiece):
                        self._show(piece.text)
        return Turn(role="model", parts=tuple(pieces))


def _schema(tool: Tool[Any, Any]) -> Any:
    given: type[BaseModel] = tool.step.input
    return schema_of(given)


def _pieces(reply: types.GenerateContentResponse) -> Iterable[TextPiece | ToolCall]:
    content = reply.candidates[0].content if reply.candidates else None
    for part in (content and content.parts) or ():
        signature = base64.b64encode(part.thought_signature).decode() if part.thought_signature else None
        if call := part.function_call:
            yield ToolCall(id=call.id, name=call.name or "", args=call.args or {}, signature=signature)
        elif part.text:
            yield TextPiece(text=part.text, signature=signature)


class PlainRun:
    """What the coroutines ask of a run (`penstock.pattern.Run`): steps done here and now; all else is nothing."""

    job = "none"
    fan_out = FAN_OUT

    def __init__(self, program: "Program", pattern: AnyPattern, show: Callable[[str, str], None]) -> None:
        self._program, self._pattern, self._show = program, pattern, show
        self._counts: Counter[str] = Counter()
        self._last = [step for step in pattern.steps if step.asks][-1]

    def step(
        self,
        step: Step[Any, Any],
        input: Any,
        *,
        into: str | None = None,
        key: str | None = None,
        complexity: Complexity | None = None,
    ) -> Awaitable[Any]:
        self._counts[step.name] += 1
        way = self._program.way
        shown = way == "every" or (way == "last" and step is self._last)
        return asyncio.ensure_future(
            self._program.execute(
                self._pattern,
                step,
                input,
                key or f"{step.name}-{self._counts[step.name]}",
                complexity,
                partial(self._show, into) if shown and into is not None else None,
            )
        )

    async def map(self, step: Step[Any, Any], inputs: Iterable[Any], *, into: str | None = None) -> tuple[Any, ...]:
        slots = asyncio.Semaphore(self.fan_out)

        async def one(index: int, given: Any) -> Any:
            async with slots:
                return await self.step(step, given, into=f"{into}/{index}", key=f"{step.name}-{index + 1}")

        return tuple(await asyncio.gather(*(one(index, given) for index, given in enumerate(inputs))))

    def put(self, path: str, value: Any) -> None:
        """The caller has it with the result."""

    def retract(self, path: str) -> None:
        """The result has what counts."""

    def close(self, path: str) -> None:
        """Nothing waits for it."""


class Program:
    """All that one process has: the SDK's client, the settings of models, and what the steps need."""

    def __init__(self, way: Way) -> None:
        self.way, self._settings = way, Settings()
        self._resources = Resources({Settings: self._settings})
        self.patterns: dict[str, AnyPattern] = {one.name: one for one in (*PATTERNS, fan.PATTERN)}
        self._executables: dict[tuple[str, str], Executable] = {
            (pattern.name, step.name): executable_of(pattern, step, self._resources)
            for pattern in self.patterns.values()
            for step in pattern.steps
        }

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        await self._resources.open()
        self._client = genai.Client(
            api_key="none", http_options=types.HttpOptions(base_url=str(self._settings.model_base_url))
        )
        try:
            yield
        finally:
            await self._client.aio.aclose()
            await self._resources.aclose()

    async def execute(
        self,
        pattern: AnyPattern,
        step: Step[Any, Any],
        input: Any,
        key: str,
        complexity: Complexity | None,
        show: Show | None,
    ) -> Any:
        executable = self._executables[pattern.name, step.name]
        asked = choose(self._settings, pattern.name, step, complexity).models[0]
        headers = {"X-Penstock-Step": step.name, "X-Penstock-Key": key}  # the simulator revises what is asked twice
        context = StepContext(
            job=PlainRun.job,
            tenant="",
            key=key,
            attempt=1,
            deadline=math.inf,
            model=SdkModel(self._client, asked, headers, show),
            emit=show or (lambda piece: None),
            render=executable.render,
        )
        return await executable.execute(input, context)

    async def answer(self, pattern: AnyPattern, body: bytes) -> AsyncGenerator[str, None]:
        """Pieces of the texts by their places, then the result; what is raised breaks the stream off."""
        lines: asyncio.Queue[str | None] = asyncio.Queue()

        def show(place: str, text: str) -> None:
            lines.put_nowait(f"data: {json.dumps({'p': place, 't': text})}\n\n")

        async def work() -> None:
            try:
                request = pattern.request.model_validate_json(body)
                result = await pattern.run(PlainRun(self, pattern, show), request)  # type: ignore[arg-type]
                if self.way == "retyped":
                    result = await self._typed_again(pattern, result, partial(show, ""))
                lines.put_nowait(f"event: result\ndata: {result.model_dump_json(by_alias=True)}\n\n")
            finally:
                lines.put_nowait(None)

        working = asyncio.create_task(work())
        try:
            while (line := await lines.get()) is not None:
                yield line
            await working
        finally:
            working.cancel()

    async def _typed_again(self, pattern: AnyPattern, result: BaseModel, show: Show) -> BaseModel:
        asked = choose(self._settings, pattern.name, pattern.steps[0], "complex").models[0]
        prompt = Prompt.user(f"Package this as the final result:\n\n{quoted(result)}")
        return await SdkModel(self._client, asked, {}, show).object(prompt, pattern.result)


def build(way: Way) -> FastAPI:
    program = Program(way)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with program.opened():
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/{name}")
    async def run(name: str, request: Request) -> StreamingResponse:
        answer = program.answer(program.patterns[name], await request.body())
        return StreamingResponse(answer, media_type="text/event-stream")

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--way", choices=get_args(Way), default="every")
    listener, url = listening("127.0.0.1", 0)
    print(f"direct ready {url}", flush=True)
    uvicorn.Server(uvicorn.Config(build(parser.parse_args().way), log_level="warning")).run(sockets=[listener])
