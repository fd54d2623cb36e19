"""Expressions and results in the text of a maths problem."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.topic import Topic
from simulator.word_problems import Working, working

_READ_CHARS = 4_000
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_FUNCTION = r"(?:sqrt|cbrt|a?sin|a?cos|a?tan|log|ln|exp|abs|factorial)\((?:[^()]|\([^()]*\))*\)"
_ATOM = rf"(?:{_FUNCTION}|{_NUMBER}!?\s?(?:[a-z]\b)?|\bpi\b|\b[b-hj-z]\b)"
_OPERATOR = r"(?:\*\*|[-+*/^×÷−])"
_SUM = rf"[-(]*{_ATOM}\)*(?:\s*{_OPERATOR}\s*[-(]*{_ATOM}\)*)*"
_EXPRESSION = re.compile(_SUM)
_EQUATION = re.compile(rf"{_SUM}\s*=\s*{_SUM}")
_PERCENT = re.compile(rf"({_NUMBER})\s*(?:%|percent)\s+of\s+[$€£]?({_NUMBER})", re.IGNORECASE)
_UNIT = (
    r"(?:[cmk]?m|inch(?:es)?|feet|foot|miles?|yards?|[mk]?g|pounds?|lit(?:er|re)s?|gallons?"
    r"|hours?|minutes?|seconds?|days?)"
)
_CONVERSION = re.compile(rf"({_NUMBER}\s*{_UNIT})\s+(?:in)?to\s+({_UNIT})\b", re.IGNORECASE)
_ALONE = re.compile(rf"(?<![\w.])(?:{_NUMBER})")
_HINTS = (
    (r"\b(?:per|average|speed|split|divide[ds]?|equally|ratio|share[ds]?)\b", "/"),
    (r"\b(?:times|each|multipl\w+|product|rows?|area|every)\b", "*"),
    (r"\b(?:left|remain\w*|less|minus|difference|gives? away|fewer)\b", "-"),
)
_PROBLEM = re.compile(r"\bproblem\b[^:\n]{0,40}:\s*(.+?)(?=\n\s*\n|\Z)", re.IGNORECASE | re.DOTALL)
#: What is asked of the unknown, behind an equation that gives it.
_WHAT_IS = re.compile(r"\bwhat is ([^?=]{1,60})\?", re.IGNORECASE)
_PAIR = re.compile(r'"expression"\s*:\s*"([^"]+)"\s*,\s*"result"\s*:\s*"?([^"\n,}]+)')
_RIAP = re.compile(r'"result"\s*:\s*"([^"\n]+)"\s*,\s*"expression"\s*:\s*"([^"]+)"')
_RESULT = re.compile(r"\bresult\b[\"'`\s]*[:=]\s*[\"'`]?(-?[\w.][\w.^*/ ()=+-]*)", re.IGNORECASE)
_CALCULATED = re.compile(r"(?:expression|calculation)\b[\"'`\s]*[:=]\s*[\"'`]([^\"'`\n]+)", re.IGNORECASE)
_VERDICT = re.compile(r'"is_?valid"\s*:\s*(true|false|null)', re.IGNORECASE)
_EVIDENCE = re.compile(r'"evidence"\s*:\s*"([^"]+)"')
_VERDICTS = {"true": "valid", "false": "invalid", "null": "undecided"}


@dataclass(frozen=True, slots=True)
class Calculation:
    """An expression and the result that a tool gave for it."""

    expression: str
    result: str


def find_problem(topic: Topic) -> str:
    """The text of the problem: the first that is quoted, or what follows `problem:`."""
    labelled = _PROBLEM.search(topic.text)
    if topic.passages:
        return topic.passages[0].strip()
    return (labelled.group(1) if labelled else topic.text).strip()


def expressions_in(problem: str) -> list[str]:
    """One or two things to calculate, in the words of a calculator; the problem's numbers if it has none."""
    problem = problem[:_READ_CHARS]
    equations = [_tidy(found.group(0)) for found in _EQUATION.finditer(problem)]
    equations = [one for one in equations if re.search(r"[a-z]", one) and re.search(r"\d", one)]
    if equations:
        return ["; ".join(equations[:3])]
    found = [f"{part}% of {_plain(whole)}" for part, whole in _PERCENT.findall(problem)]
    found += [f"{amount} to {unit}" for amount, unit in _CONVERSION.findall(problem)]
    sums = [_tidy(one.group(0)) for one in _EXPRESSION.finditer(problem)]
    found += [one for one in sums if _is_sum(one)]
    return found[:2] or [combined_numbers(problem)]


def solution_of(problem: str) -> Working:
    """How the problem is solved: a word problem in its steps, else what there is to calculate in it, all at once."""
    found = tuple(expressions_in(problem))
    asked = _WHAT_IS.search(problem[:_READ_CHARS])
    if asked and "=" in found[0] and re.search(r"\d", asked[1]) and (beyond := _EXPRESSION.fullmatch(asked[1].strip())):
        return Working((*found[:1], f"{{last}}; {_tidy(beyond.group(0))}"))
    return working(problem[:_READ_CHARS]) or Working(found)


def combined_numbers(problem: str) -> str:
    """The numbers of a word problem, joined by the operator its words suggest."""
    numbers = [_plain(number) for number in _ALONE.findall(problem)][:3] or ["0"]
    operator = next((sign for pattern, sign in _HINTS if re.search(pattern, problem, re.IGNORECASE)), "+")
    return f" {operator} ".join(numbers)


def calculations_in(topic: Topic) -> list[Calculation]:
    """Earlier calculations that the prompt reports."""
    pairs = [Calculation(expression, result.strip()) for expression, result in _PAIR.findall(topic.text)]
    pairs = pairs or [Calculation(expression, result) for result, expression in _RIAP.findall(topic.text)]
    if pairs:
        return pairs
    results = [found.strip().rstrip(".,") for found in _RESULT.findall(topic.text)]
    expressions = _CALCULATED.findall(topic.text)
    return [
        Calculation(expressions[min(place, len(expressions) - 1)] if expressions else result, result)
        for place, result in enumerate(results)
    ]


def verdict_in(topic: Topic) -> str | None:
    """What an earlier check of the answer said, by the prompt's report."""
    verdict = _VERDICT.findall(topic.text)
    if not verdict:
        return None
    evidence = _EVIDENCE.findall(topic.text)
    return f"The check says {_VERDICTS[verdict[-1].lower()]}" + (f": {evidence[-1]}" if evidence else ".")


def _plain(number: str) -> str:
    return number.replace(",", "")


def _tidy(expression: str) -> str:
    plain = expression.strip().replace("×", "*").replace("÷", "/").replace("−", "-").replace("**", "^")
    return re.sub(r"(?<=\d),(?=\d{3})", "", plain)


def _is_sum(expression: str) -> bool:
    """More than a number or a letter, and its brackets close."""
    works = re.search(rf"\w\)*\s*{_OPERATOR}|!|\(", expression) is not None and re.search(r"\d", expression) is not None
    return works and expression.count("(") == expression.count(")")
