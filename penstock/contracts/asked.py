"""What a step of a job was given, what its model was asked, and what came of it."""

from typing import Any

from pydantic import JsonValue

from penstock.contracts.problem import Problem
from penstock.contracts.turns import Turn
from penstock.contracts.wire import Tolerant, omitted


class AskedPrompt(Tolerant):
    """The first question to the model. That a reply which does not fit is asked for again is not in it.

    `turns` is the conversation, whose last turn is the user's. `by_code`: the step's own code asks, and may have asked
    something else beside it or in its place. `changed`: what decides a reply, the prompt's file among it, has another
    version now than when the model was asked: this is what it would be asked now.
    """

    system: str
    turns: tuple[Turn, ...]
    by_code: bool = False
    changed: bool = False


class ToolUse(Tolerant):
    """A call that the model made in its reply, with what it was answered.

    `key` is that of the step which did it. One that fits no tool has no step, one that is under way no answer yet.
    """

    key: str
    name: str
    args: dict[str, JsonValue]
    output: Any = omitted()
    failure: Problem | None = omitted()


class AskedStep(Tolerant):
    """What `GET /jobs/<id>/steps/<key>` answers.

    The input is the one in the step's message while that is kept, and later worked out by a replay of the job from its
    journal. `changed`: the replay, by the code there is today, gives the step another input than it had, or none; then
    there is neither `input` nor `prompt`, and `why` says so. It also says why else one of them is missing.
    """

    key: str
    step: str
    pattern: str
    #: Where it has an outcome.
    service: str | None = omitted()
    attempt: int | None = omitted()
    input: dict[str, Any] | None = omitted()
    prompt: AskedPrompt | None = omitted()
    changed: bool = False
    why: str | None = omitted()
    #: Those that this step's model asked for, in its order.
    tools: tuple[ToolUse, ...] = ()
    output: Any = omitted()
    failure: Problem | None = omitted()
