"""Which functions the simulated model calls before it answers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from simulator.call import FunctionResult
from simulator.maths import combined_numbers, expressions_in, find_problem, solution_of
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


def announcement(calls: list[FunctionCall], prompt: Prompt) -> str:
    """A sentence that says what calls are for, as a model that thinks aloud would; empty for other functions."""
    if not calls or not all(call.name in ("calculate", "validateAnswer") for call in calls):
        return ""
    args = calls[0].args
    if calls[0].name == "validateAnswer":
        again = any(one.name == "validateAnswer" for one in prompt.results)
        answer = args.get("proposedAnswer", "")
        return f"The wording did not decide it, so check {answer} by a formula." if again else f"Check {answer}."
    listed = " and ".join(str(call.args.get("expression", "")) for call in calls)
    return f"{'Next' if prompt.results else 'First'}, work out {listed}."


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
    """The next calls on the way: each calculation that is left, then a check, and a second one if it says nothing."""
    calculated = [one for one in prompt.results if one.name == calculate.name]
    checked = [one for one in prompt.results if one.name == validate.name]
    sound = [one for one in calculated if "error" not in one.response]
    problem = find_problem(topic)
    solution = solution_of(problem)
    if not checked:
        left = solution.steps[len(calculated) :]
        if calculated and not sound and len(calculated) < 3:
            return [_calculation(prompt, topic, calculate, combined_numbers(problem))]
        if left and len(sound) == len(calculated):
            last = result_text(sound[-1]) if sound else ""
            first, *others = left
            ready = [first.replace("{last}", last), *itertools.takewhile(lambda one: "{last}" not in one, others)]
            return [_calculation(prompt, topic, calculate, one) for one in ready]
        return [_check(prompt, topic, validate, problem, result_text(sound[-1]))] if sound else []
    if sound and solution.formula and len(checked) == 1 and _undecided(checked[0]):
        return [_check(prompt, topic, validate, solution.formula, result_text(sound[-1]))]
    return []


def _check(prompt: Prompt, topic: Topic, validate: Function, problem: str, answer: str) -> FunctionCall:
    names = list(ordered_properties(validate.parameters))
    texts = [problem, answer, "recalculation"]
    known = dict(zip(names, texts, strict=False))
    for name in names:
        lowered = name.lower()
        for mark, text in zip(("problem", "answer", "method"), texts, strict=True):
            if mark in lowered:
                known[name] = text
    return FunctionCall(validate.name, arguments(validate, prompt, topic, **known))


def _undecided(result: FunctionResult) -> bool:
    return "isValid" in result.response and result.response["isValid"] is None


def _calculations(prompt: Prompt, topic: Topic, calculate: Function) -> list[FunctionCall]:
    return [_calculation(prompt, topic, calculate, one) for one in expressions_in(find_problem(topic))]


def _calculation(prompt: Prompt, topic: Topic, calculate: Function, expression: str) -> FunctionCall:
    names = ordered_properties(calculate.parameters)
    target = (
        "expression" if "expression" in names else next((n for n, s in names.items() if "string" in types_of(s)), "")
    )
    known = {target: expression} if target else {}
    return FunctionCall(calculate.name, arguments(calculate, prompt, topic, **known))
