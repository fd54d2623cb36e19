"""Fields whose value the prompt itself states: ids to echo, results to report, texts to translate."""

from __future__ import annotations

from simulator.maths import calculations_in, find_problem, verdict_in
from simulator.topic import Topic
from simulator.translation import translated


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
            found = calculations_in(topic)
            return found[-1].result if found else None
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
