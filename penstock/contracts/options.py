"""`options`: what every request may say about how its job is run."""

from typing import Literal

from pydantic import Field

from penstock.contracts.wire import Wire, omitted

Priority = Literal["speed", "quality"]


class Options(Wire):
    """Options of every pattern; a pattern with more of its own extends this."""

    priority: Priority | None = Field(
        default=None,
        exclude_if=lambda v: v is None,
        description="`quality` asks for the complex tier, `speed` for the fast one where the step is simple.",
    )
    cache: bool = Field(
        default=True,
        description="Whether an equal model reply may be used again. No reply is kept yet, so it has no effect.",
    )
    deadline_seconds: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        exclude_if=lambda v: v is None,
        description="Seconds from acceptance after which the job fails.",
    )
    allow_partial: bool = Field(
        default=False, description="Go on with what succeeded where a pattern can (parallel-processing)."
    )


class PatternRequest(Wire):
    """The base of every pattern's request."""

    options: Options = Options()


__all__ = ["Options", "PatternRequest", "Priority", "omitted"]
