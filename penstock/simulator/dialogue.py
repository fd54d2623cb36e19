"""What the simulated model has tools do before it answers, and what it makes of their answers."""

from __future__ import annotations

import re
from typing import Any

from penstock.simulator.prompt import Function, Prompt
from penstock.simulator.rule import PlannedCall
from penstock.simulator.schema import Filler, properties_of

_NUMBER = r"\d+(?:\.\d+)?"
_SUM = re.compile(rf"(?:[a-z]*\()*{_NUMBER}\)*(?:\s*[-+*/^]\s*(?:[a-z]*\()*{_NUMBER}\)*)+")
_PERCENT = re.compile(rf"({_NUMBER})\s?%\s*(off|less|discount|reduction)?")


def next_call(prompt: Prompt) -> PlannedCall | None:
    """The call of this turn; None means that the model answers now.

    With `calculate` declared: calculate, a second time if that failed, then validateAnswer if there is one. Else each
    conversation has one call of the first function.
    """
    declared = {one.name: one for one in prompt.functions}
    called = [one.name for one in prompt.results]
    calculate, validate = declared.get("calculate"), declared.get("validateAnswer")
    if calculate:
        tries = expressions_in(prompt.material)
        results = [one.response for one in prompt.results if one.name == "calculate"]
        good = [place for place, one in enumerate(results) if _worked(one)]
        if not good and len(results) < len(tries):
            return _call(calculate, prompt, expression=tries[len(results)])
        if validate and good and "validateAnswer" not in called:
            expression = tries[min(good[-1], len(tries) - 1)]
            known = {"proposedAnswer": _spoken(results[good[-1]]), "expression": expression}
            return _call(validate, prompt, originalProblem=prompt.material, **known)
    elif declared and not called:
        return _call(prompt.functions[0], prompt)
    return None


def announcement(call: PlannedCall) -> str:
    """A sentence that says what a call is for, as a model that thinks aloud would; empty for most functions."""
    if call.name == "calculate":
        return f"Work out {call.args.get('expression')}."
    return f"Check {call.args.get('proposedAnswer')}." if call.name == "validateAnswer" else ""


def conclusion(prompt: Prompt) -> str:
    """What the functions said."""
    said = "; ".join(f"{one.name} gave {_spoken(one.response)}" for one in prompt.results)
    answers = [_spoken(one.response) for one in prompt.results if one.name == "calculate" and _worked(one.response)]
    return f"I used the tools: {said}." + (f" The answer is {answers[-1]}." if answers else "")


def expressions_in(problem: str) -> list[str]:
    """What to calculate, and what instead if that cannot be calculated.

    First the first sum in the problem's text; where it has none, percentages of its first number; then the numbers
    added up.
    """
    problem = re.sub(r"(?<=\d),(?=\d{3})", "", problem[:4_000])
    numbers = re.findall(_NUMBER, problem)[:3] or ["0"]
    added = " + ".join(numbers)
    found = _SUM.search(problem)
    if found and found[0].count("(") == found[0].count(")"):
        return [found[0], added]
    parts = "".join(f" * (1 {'-' if less else '+'} {part}/100)" for part, less in _PERCENT.findall(problem))
    return [numbers[0] + parts, added] if parts else [added]


def _call(function: Function, prompt: Prompt, **known: str) -> PlannedCall:
    """Arguments that fit the function: of what is known all that it takes, and something for the others."""
    schema = function.parameters_json_schema
    filled = Filler(schema, lambda name, index: prompt.subject).fill()
    taken = {name: value for name, value in known.items() if name in properties_of(schema)}
    return PlannedCall(name=function.name, args={**filled, **taken})


def _worked(response: dict[str, Any]) -> bool:
    return "error" not in response and "error" not in str(response.get("output"))[:12]


def _spoken(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    known = next((value[name] for name in ("output", "result", "value", "error") if name in value), None)
    return ", ".join(f"{name} {member}" for name, member in value.items()) if known is None else _spoken(known)
