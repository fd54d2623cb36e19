"""The better of two answers, told by a model that gave neither of them, where no measure can tell.

before, now ──▶ which is better, the first or the second? ──┐
now, before ──▶ which is better, the first or the second? ──┴──▶ both times the same one, or a tie
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from penstock.backoff import delay
from penstock.contracts.prompt import Prompt
from penstock.contracts.step import Step
from penstock.contracts.wire import Wire
from penstock.errors import Misconfigured, Transient
from penstock.llm.ask import StepModel
from penstock.llm.client import Llm
from penstock.llm.selector import Asked
from penstock.steps.prompts import PromptFile, version_of

#: Of the newer answer. `same`: the two do not differ, and nobody was asked.
Verdict = Literal["win", "tie", "loss", "same"]
#: Tries of a call that fails in passing, and the longest pause between two, in seconds.
_TRIES, _LONGEST = 5, 30.0


class JudgeInput(Wire):
    """`wanted`: by what the better answer is told."""

    task: JsonValue
    wanted: str
    first: JsonValue
    second: JsonValue


class Judgement(Wire):
    reason: str
    better: Literal["first", "second", "neither"]


JUDGE = Step(name="judge", input=JudgeInput, output=Judgement, thinking="high")


def prompt_file() -> PromptFile:
    return PromptFile.load(Path(__file__).parent / "prompts", JUDGE.name, JudgeInput)


class Judge:
    """A model that judges. `answered`: the models whose answers it is given, which it must not be one of.

    Raises Misconfigured if it is.
    """

    def __init__(self, llm: Llm, model: str, answered: Iterable[str]) -> None:
        self._llm, self._model, self._prompt = llm, model, prompt_file()
        self._answered = frozenset(answered)
        refuse_own(model, self._answered)

    @property
    def name(self) -> str:
        """The model and the version of its prompt: what another one said is another judgement."""
        return f"{self._model} (prompt {version_of(self._prompt.text, JUDGE)})"

    async def verdict(self, task: JsonValue, wanted: str, before: JsonValue, now: JsonValue) -> Verdict:
        """Asks twice. Raises Failure or Transient where there is no reply, Misconfigured as the constructor does."""
        if before == now:
            return "same"
        there = await self._better(JudgeInput(task=task, wanted=wanted, first=before, second=now))
        back = await self._better(JudgeInput(task=task, wanted=wanted, first=now, second=before))
        return {("second", "first"): "win", ("first", "second"): "loss"}.get((there, back), "tie")  # type: ignore[return-value]

    async def _better(self, given: JudgeInput) -> str:
        prompt = self._prompt.render(given)
        failures = 0
        while True:
            try:
                return await self._asked(prompt)
            except Transient as error:
                failures += 1
                if failures == _TRIES:
                    raise
                first = self._llm.settings.model_retry_delay
                await asyncio.sleep(delay(failures, first=first, longest=_LONGEST, requested=error.retry_after))

    async def _asked(self, prompt: Prompt) -> str:
        model = StepModel(self._llm, Asked(self._model, JUDGE.thinking), {})
        judgement = await model.object(prompt, Judgement)
        refuse_own(model.model, self._answered)
        return judgement.better


def refuse_own(judge: str, answering: Iterable[str]) -> None:
    """Raises Misconfigured for a judge that is one of the models which answer."""
    if judge.removeprefix("models/").lower() in {name.removeprefix("models/").lower() for name in answering}:
        raise Misconfigured(f"--judge {judge}: it would judge what it may have answered itself; name another model")
