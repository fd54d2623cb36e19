"""Replies that are kept, as who asks knows them: where they are kept is another room's business."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Protocol, TypeVar

from pydantic import Field

from penstock.contracts.turns import TextPiece, ToolCall
from penstock.contracts.wire import Tolerant

R = TypeVar("R")


class Kept(Tolerant):
    """A reply that was complete and fitted: the model that gave it, and its pieces as they came, text alone as text."""

    model: str
    parts: tuple[str | Annotated[TextPiece | ToolCall, Field(discriminator="kind")], ...]

    @classmethod
    def of(cls, model: str, pieces: Iterable[TextPiece | ToolCall]) -> "Kept":
        parts = [piece.text if isinstance(piece, TextPiece) and not piece.signature else piece for piece in pieces]
        return cls(model=model, parts=tuple(parts))

    @property
    def pieces(self) -> list[TextPiece | ToolCall]:
        return [TextPiece(text=part) if isinstance(part, str) else part for part in self.parts]


class Cache(Protocol):
    async def reply(
        self, key: str, read: Callable[[Kept], R], ask: Callable[[], Awaitable[tuple[R, Kept]]]
    ) -> tuple[R, Kept | None]:
        """What `read` makes of the reply that is kept under `key`; else what comes of `ask`, which is kept, and None.

        One that `read` refuses (OutputInvalid, ValidationError) is none. While another one asks the same, that reply
        is waited for. Raises what `ask` raises, and nothing of the cache's own.
        """
        ...

    async def forget(self, key: str) -> None:
        """What is kept under `key` is no use."""
        ...
