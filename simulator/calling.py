"""Which functions the simulated model calls before it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.call import FunctionResult
from simulator.maths import combined_numbers, expressions_in, find_problem
from simulator.prompt import Function, Prompt
from simulator.schema import ordered_properties, types_of
from simulator.topic import Topic
from simulator.validity import accepts
from simulator.writer import Writer


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One call of one function."""

    name: str
    args: dict[str, Any]


def calls_for(prompt: Prompt, topic: Topic) -> list[FunctionCall]:
    """The calls of this turn; an empty list means that the model answers now.

    With `calculate` and `validateAnswer` declared: calculate, then validate, then answer. Else: the first
    function once. Mode NONE calls nothing, mode ANY always calls.
    """
    if prompt.mode == "NONE":
        return []
    functions = [one for one in prompt.functions if not prompt.allowed or one.name in prompt.allowed]
    if not functions:
        return []
    by_name = {one.name: one for one in functions}
    calculate, validate = by_name.get("calculate"), by_name.get("validateAnswer")
    if calculate and validate:
        calls = _solving(prompt, topic, calculate, validate)
    elif prompt.results:
        calls = []
    elif calculate and calculate is functions[0]:
        calls = _calculations(prompt, topic, calculate)
    else:
        calls = [FunctionCall(functions[0].name, arguments(functions[0], prompt, topic))]
    if not calls and prompt.mode == "ANY":
        called = {result.name for result in prompt.results}
        function = next((one for one in functions if one.name not in called), functions[0])
        calls = [FunctionCall(function.name, arguments(function, prompt, topic))]
    return calls


def arguments(function: Function, prompt: Prompt, topic: Topic, **known: Any) -> dict[str, Any]:
    """Arguments that are valid against the function's schema; known ones are put in where it takes them."""
    written = Writer(topic, prompt.seed, function.parameters).write()
    args: dict[str, Any] = written if isinstance(written, dict) else {}
    for name, value in known.items():
        if accepts(function.parameters, {**args, name: value}, function.parameters):
            args[name] = value
    return args


def result_text(result: FunctionResult) -> str:
    """What a function answered, as text for a sentence."""
    return _as_text(result.response)


def _as_text(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    for name in ("result", "output", "value", "error"):
        if name in value:
            return _as_text(value[name])
    return ", ".join(f"{name} {member}" for name, member in value.items()) or "nothing"


def _solving(prompt: Prompt, topic: Topic, calculate: Function, validate: Function) -> list[FunctionCall]:
    calculated = [one for one in prompt.results if one.name == calculate.name]
    sound = [one for one in calculated if "error" not in one.response]
    if any(one.name == validate.name for one in prompt.results):
        return []
    if not calculated:
        return _calculations(prompt, topic, calculate)
    problem = find_problem(topic)
    if not sound and len(calculated) < 3:
        return [_calculation(prompt, topic, calculate, combined_numbers(problem))]
    if not sound:
        return []
    names = list(ordered_properties(validate.parameters))
    texts = [problem, result_text(sound[-1]), "recalculation"]
    known = dict(zip(names, texts, strict=False))
    for name in names:
        lowered = name.lower()
        for mark, text in zip(("problem", "answer", "method"), texts, strict=True):
            if mark in lowered:
                known[name] = text
    return [FunctionCall(validate.name, arguments(validate, prompt, topic, **known))]


def _calculations(prompt: Prompt, topic: Topic, calculate: Function) -> list[FunctionCall]:
    return [_calculation(prompt, topic, calculate, one) for one in expressions_in(find_problem(topic))]


def _calculation(prompt: Prompt, topic: Topic, calculate: Function, expression: str) -> FunctionCall:
    names = ordered_properties(calculate.parameters)
    target = (
        "expression" if "expression" in names else next((n for n, s in names.items() if "string" in types_of(s)), "")
    )
    known = {target: expression} if target else {}
    return FunctionCall(calculate.name, arguments(calculate, prompt, topic, **known))
