"""Short words for asking, in these tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from pydantic import SecretStr

from penstock.contracts.prompt import Prompt
from penstock.contracts.step import Step, Thinking
from penstock.contracts.tool import Tool
from penstock.contracts.turns import TextPiece, ToolCall
from penstock.contracts.wire import Score, Wire
from penstock.llm.ask import Door, StepModel
from penstock.llm.client import Llm
from penstock.llm.selector import Asked
from penstock.llm.usage import Meter
from penstock.settings import Models

LABELS = {"job": "job-1", "key": "draft-1", "step": "draft"}
PROMPT = Prompt.user("Write a line about rivers.", system="You write.")


class Sum(Wire):
    a: float
    b: float


async def add(given: Sum) -> Sum:
    return Sum(a=given.a + given.b, b=0)


ADD = Tool(
    name="add",
    description="Adds two numbers.",
    step=Step(name="add", input=Sum, output=Sum, do=add),
    asked=str,
    answered=str,
)


class Review(Wire):
    """What most of these tests have the model answer with."""

    score: Score
    short_summary: str
    improvements: list[str]


GOOD = {"score": 7, "shortSummary": "fine", "improvements": ["shorter"]}


def asked(
    llm: Llm,
    prompt: Prompt = PROMPT,
    model: Asked = Asked("gemini-3.8-flash"),  # noqa: B008 - it is frozen
    meter: Meter | None = None,
    **options: Any,
) -> AsyncGenerator[TextPiece | ToolCall, None]:
    return llm.stream(prompt, asked=model, labels=LABELS, meter=meter or Meter(), **options)


async def chunks(llm: Llm, prompt: Prompt = PROMPT, **options: Any) -> list[TextPiece | ToolCall]:
    return [chunk async for chunk in asked(llm, prompt, **options)]


def text_of(received: list[TextPiece | ToolCall]) -> str:
    return "".join(chunk.text for chunk in received if isinstance(chunk, TextPiece))


def at(url: str, key: str = "AIzaSyNotARealKey", **settings: Any) -> aclosing[Llm]:
    return aclosing(Llm(Models(model_base_url=url, model_api_key=SecretStr(key), **settings)))


class Received:
    """A sink that keeps the pieces since the last restart."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.restarts = 0

    def text(self, piece: str) -> None:
        self.pieces.append(piece)

    def restart(self) -> None:
        self.pieces.clear()
        self.restarts += 1


def asker(llm: Door, sink: Received | None = None, thinking: Thinking = "medium", **about: Any) -> StepModel:
    return StepModel(llm, Asked("gemini-3.8-flash", thinking), LABELS, sink, **about)
