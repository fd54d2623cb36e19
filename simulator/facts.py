"""Fields whose value the prompt itself states: ids to echo, results to report, texts to translate."""

from __future__ import annotations

from simulator.maths import Calculation, calculations_in, find_problem, solution_of, verdict_in
from simulator.topic import Topic
from simulator.translation import translated
from simulator.word_problems import Working


def fact(name: str, topic: Topic, index: int | None) -> str | int | None:
    """The stated value for a field of that name, or None; `index` is its place in a list."""
    match name.lower().replace("_", ""):
        case "taskid":
            return topic.task_id
        case "translation" | "translatedtext" | "improvedtranslation" | "finaltranslation":
            return translated(topic)
        case "targetlanguage":
            return topic.language
        case "problem" | "originalproblem":
            return find_problem(topic)
        case "finalanswer" | "proposedanswer":
            return _answer(calculations_in(topic), solution_of(find_problem(topic)))
        case "solution":
            said = [f"Calculating {one.expression} gives {one.result}." for one in calculations_in(topic)]
            return " ".join(said) or None
        case "verification":
            return verdict_in(topic) or ("The answer was not checked." if calculations_in(topic) else None)
        case "calculation" | "result" as member:
            found = calculations_in(topic)
            if not found:
                return None
            one = found[(index or 0) % len(found)]
            return one.expression if member == "calculation" else one.result
        case "line" | "linenumber":
            lines = topic.longest.count("\n") + 1
            return 1 + (3 * (index or 0) + topic.length) % lines
        case _:
            return None


def _answer(found: list[Calculation], solution: Working) -> str | None:
    """The last result with its unit; all of them, where none is made from another."""
    if not found:
        return None
    if len(found) == len(solution.steps) and "{last}" not in "".join(solution.steps):
        return " and ".join(one.result for one in found)
    result = found[-1].result
    return f"{result} {solution.unit}" if solution.unit and result.replace(".", "").isdecimal() else result
