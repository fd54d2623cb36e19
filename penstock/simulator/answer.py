"""The whole reply to a prompt, before it is cut into chunks: calls of tools, an object, or a short text."""

import json
import re
from typing import Any

from penstock.simulator.prompt import Prompt
from penstock.simulator.schema import Filler
from penstock.simulator.wire import PlannedCall, Reply, Rule

#: How far between two limits a number is: a revised text is better than a first one.
_FIRST, _REVISED = 0.58, 0.88
_RESULT = re.compile(r'"result":\s*"([^"\n]{1,200})"')
_NUMBER = r"\d+(?:\.\d+)?"
_SUM = re.compile(rf"(?:[a-z]*\()*{_NUMBER}\)*(?:\s*[-+*/^]\s*(?:[a-z]*\()*{_NUMBER}\)*)+")
_PERCENT = re.compile(rf"({_NUMBER})\s?%\s*(off|less|discount|reduction)?")


def answer(prompt: Prompt, rule: Rule) -> Reply:
    """Text, function calls and why the reply ends. Raises Failure for a schema that cannot be used."""
    given, fault = rule.reply, rule.fault
    if fault.safety or fault.prompt_blocked:
        return Reply(finish_reason="SAFETY")
    made = _steered(prompt, given)
    text = made.text or ""
    limit = len(text) // 2 if fault.truncate else 4 * (prompt.generation_config.max_output_tokens or len(text))
    if fault.truncate or len(text) > limit:
        return Reply(text=text[:limit], finish_reason="MAX_TOKENS")
    if fault.invalid_json:
        text = text[: len(text) * 2 // 3].rstrip() + ' "oops": }'
    return Reply(text=text, function_calls=made.function_calls, finish_reason=given.finish_reason)


def _steered(prompt: Prompt, given: Reply) -> Reply:
    value = given.value
    if given.text is not None or given.function_calls:
        return given
    if "value" not in given.model_fields_set:  # it may be null
        if given.merge is None and (turn := _tool_turn(prompt)):
            return turn
        if prompt.generation_config.response_mime_type != "application/json":
            return Reply(text=_prose(prompt))
        value = {**_value(prompt), **given.merge} if given.merge else _value(prompt)
    # indented as Gemini does; one reply in four escapes what is not ASCII, as JSON allows
    return Reply(text=json.dumps(value, indent=2, ensure_ascii=prompt.seed % 4 == 0))


def _tool_turn(prompt: Prompt) -> Reply | None:
    """The call of this turn, with its purpose in words; None means that the model answers now.

    With `calculate` declared: calculate, a second time if that failed, then validateAnswer if there is one. Else each
    conversation has one call of the first function.
    """
    called = [one.name for one in prompt.results]
    if "calculate" not in prompt.functions:
        return _calling(prompt, next(iter(prompt.functions))) if prompt.functions and not called else None
    tries, tried, answers = _expressions(prompt.material), called.count("calculate"), _answers(prompt)
    if not answers and tried < len(tries):
        return _calling(prompt, "calculate", f"Work out {tries[tried]}.", expression=tries[tried])
    if answers and "validateAnswer" in prompt.functions and "validateAnswer" not in called:
        known = {"proposedAnswer": answers[-1], "expression": tries[:tried][-1]}
        return _calling(prompt, "validateAnswer", f"Check {answers[-1]}.", originalProblem=prompt.material, **known)
    return None


def _expressions(problem: str) -> list[str]:
    """What to calculate, and then if that fails: the problem's first sum or percentages, else its numbers added up."""
    problem = re.sub(r"(?<=\d),(?=\d{3})", "", problem[:4_000])
    numbers = re.findall(_NUMBER, problem)[:3] or ["0"]
    added = " + ".join(numbers)
    found = _SUM.search(problem)
    if found and found[0].count("(") == found[0].count(")"):
        return [found[0], added]
    parts = "".join(f" * (1 {'-' if less else '+'} {part}/100)" for part, less in _PERCENT.findall(problem))
    return [numbers[0] + parts, added] if parts else [added]


def _calling(prompt: Prompt, name: str, why: str = "", **known: str) -> Reply:
    """A call with arguments that fit: of what is known all that the function takes, and what else it must have."""
    schema = prompt.functions[name]
    filled = Filler(schema, lambda name, index: prompt.subject).fill(lean=True)
    taken = {member: value for member, value in known.items() if member in schema.get("properties", {})}
    return Reply(text=why, function_calls=(PlannedCall(name=name, args={**filled, **taken}),))


def _answers(prompt: Prompt) -> list[str]:
    """What `calculate` gave where it could."""
    results = [one.response for one in prompt.results if one.name == "calculate"]
    return [_said(response) for response in results if "error" not in response]


def _said(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    known = [value[name] for name in ("output", "result", "verdict", "error") if name in value]
    return _said(known[0]) if known else json.dumps(value)


def _value(prompt: Prompt) -> Any:
    schema = prompt.generation_config.response_json_schema
    if schema is None:
        return {"summary": _prose(prompt)}
    results: list[str] = _RESULT.findall(prompt.text)

    def say(name: str, index: int | None) -> str:
        if name.lower().endswith("answer") and results:
            return results[-1]  # what a tool gave, by the prompt's record
        label = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower() or "reply"
        place = "" if index is None else f".{index + 1}"
        return f"Simulated {label} no. {prompt.seed % 1000}{place} on “{prompt.subject}”"

    if prompt.revised:
        return Filler(schema, say, _REVISED).fill()  # with nothing to object to
    return Filler(schema, say, _FIRST, prompt.lines, prompt.ids).fill()


def _prose(prompt: Prompt) -> str:
    if prompt.results:
        said = "; ".join(f"{one.name} gave {_said(one.response)}" for one in prompt.results)
        answers = _answers(prompt)[-1:]
        return " ".join([f"I used the tools: {said}.", *(f"The answer is {one}." for one in answers)])
    return (
        f"A simulated{', revised' if prompt.revised else ''} text, no. {prompt.seed % 1000}, about “{prompt.subject}”."
        "\n\nNo model wrote it: one would write here what it was asked for, in about as many words as there are in "
        "these two paragraphs."
    )
