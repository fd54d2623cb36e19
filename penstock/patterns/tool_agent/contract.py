"""What an agent with tools is asked, what it works with, and what it gives."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import Field

from penstock.contracts.options import Options, PatternRequest
from penstock.contracts.turns import Turn
from penstock.contracts.wire import Wire, omitted


class ToolAgentOptions(Options):
    max_turns: int = Field(default=20, ge=1, le=20, description="How often the model may call tools.")


class ToolAgentRequest(PatternRequest):
    problem: str = Field(min_length=1, max_length=100_000, description="What is to be done.")
    options: ToolAgentOptions = ToolAgentOptions()


class Called(Wire):
    """One call of a tool, as readers see it. The description streams, from before it is known that a call follows."""

    step: int = Field(description="Its number, from 1.")
    description: str = Field(description="Why the tool was called.")


Shown = TypeVar("Shown", bound=Called)


class ToolUse(Called):
    """One call of a tool: why it was made, of which tool, what was asked, what came back."""

    tool: str
    asked: str | None = omitted(description="Absent if the call fits no tool.")
    result: str


class ToolAgentResult(Wire):
    """The steps come before the answer that is drawn from them, so that they can stream first."""

    steps: tuple[ToolUse, ...]
    complete: bool = Field(
        description="False if the turns were spent before the model had an answer: the answer says how far it came."
    )
    answer: str


class Work(Wire):
    """The problem, and the turns so far: the model's, the results of the tools it called, and what was asked of it."""

    problem: str
    transcript: tuple[Turn, ...]


@dataclass(frozen=True)
class Worked(Generic[Shown]):
    """The turns, the calls in them as readers see them, and whether the last turn is an answer."""

    transcript: tuple[Turn, ...]
    steps: tuple[Shown, ...]
    complete: bool


def call_key(turn: int, index: int) -> str:
    """The key of a call's step: both count from 1. The turn is that of the step `think-<turn>`."""
    return f"call-{turn}-{index}"
