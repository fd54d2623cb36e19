"""What a model is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from penstock.contracts.turns import Turn


@dataclass(frozen=True, slots=True)
class Prompt:
    """A system text ("" for none) and a conversation, whose last turn is the user's."""

    system: str
    turns: tuple[Turn, ...]

    @classmethod
    def user(cls, text: str, *, system: str = "") -> Prompt:
        """A prompt of one user text."""
        return cls(system, (Turn.of("user", text),))

    def then(self, *turns: Turn) -> Prompt:
        """This prompt with more turns at its end."""
        return replace(self, turns=(*self.turns, *turns))
