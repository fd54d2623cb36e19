"""The turns of a conversation with a model that has tools: journaled as JSON, and sent back with the next turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from penstock.contracts.wire import Tolerant, omitted


class TextPiece(Tolerant):
    """Text: a turn's, or the next piece of a reply that is being streamed."""

    kind: Literal["text"] = "text"
    text: str
    #: The model's thought signature, base64. It means something to the model only, and must go back unchanged.
    signature: str | None = omitted()


class ToolCall(Tolerant):
    """The model asks for a tool. `name` and `args` are its own words: they need not fit any tool."""

    kind: Literal["call"] = "call"
    #: None where the model gives none (before Gemini 3).
    id: str | None = omitted()
    name: str
    args: dict[str, JsonValue] = Field(default_factory=dict)
    #: As TextPiece's; Gemini 3 refuses a turn whose calls come back without theirs.
    signature: str | None = omitted()


class ToolResult(Tolerant):
    """What a tool answered. `output`'s own convention: {"output": ...}, or {"error": ...}."""

    kind: Literal["result"] = "result"
    #: The call's id.
    id: str | None = omitted()
    name: str
    output: dict[str, JsonValue]


Part = Annotated[TextPiece | ToolCall | ToolResult, Field(discriminator="kind")]


class Turn(Tolerant):
    """One turn of a conversation. Tool results are the user's."""

    role: Literal["user", "model"]
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, role: Literal["user", "model"], text: str) -> Turn:
        return cls(role=role, parts=(TextPiece(text=text),))

    @property
    def text(self) -> str:
        """Its words, without calls and results."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPiece))

    @property
    def words(self) -> str:
        """What readers are shown of it: its text, without white space around it."""
        return self.text.strip()

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


class Kept(Tolerant):
    """A reply that was complete and fitted: who gave it, and its pieces as they came, text alone as text."""

    model: str
    parts: tuple[str | Annotated[TextPiece | ToolCall, Field(discriminator="kind")], ...]

    @classmethod
    def of(cls, model: str, pieces: Iterable[TextPiece | ToolCall]) -> Kept:
        parts = [piece.text if isinstance(piece, TextPiece) and not piece.signature else piece for piece in pieces]
        return cls(model=model, parts=tuple(parts))

    @property
    def pieces(self) -> list[TextPiece | ToolCall]:
        return [TextPiece(text=part) if isinstance(part, str) else part for part in self.parts]
