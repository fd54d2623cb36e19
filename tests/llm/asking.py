"""Short words for asking, in these tests."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from penstock.contracts.turns import TextPiece
from penstock.contracts.wire import Score, Wire
from penstock.llm.call import CallLabels, Chunk
from penstock.llm.client import Llm
from penstock.llm.config import ModelConfig
from penstock.llm.prompt import Prompt, ToolSpec

LABELS = CallLabels("job-1", "draft-1", "draft")
PROMPT = Prompt.user("Write a line about rivers.", system="You write.")
ADD = ToolSpec(
    "add",
    "Adds two numbers.",
    {
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
)


class Review(Wire):
    """What most of these tests have the model answer with."""

    score: Score
    short_summary: str
    improvements: list[str]


GOOD = {"score": 7, "shortSummary": "fine", "improvements": ["shorter"]}


async def chunks(llm: Llm, prompt: Prompt = PROMPT, model: str = "gemini-3.8-flash", **options: Any) -> list[Chunk]:
    return [chunk async for chunk in llm.stream(prompt, model=model, labels=LABELS, **options)]


def text_of(received: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in received if isinstance(chunk, TextPiece))


def at(url: str, key: str = "AIzaSyNotARealKey", **settings: Any) -> Llm:
    return Llm(ModelConfig(base_url=url, api_key=SecretStr(key), **settings))


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
