"""Word problems of a few common kinds: what to calculate, in which order, and how to check it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_PERCENT = rf"({_NUMBER})\s?(?:%|percent)"
_LESS = r"off|discount|reduction|less|decrease|drop|fall|cheaper|reduced|lower"
_MORE = r"tax|vat|tip|more|increase|rise|growth|surcharge|markup|fee|service"
_LED = re.compile(
    r"\b(?:(minus|less|off|reduc|decreas|discount|lower|drop|fall)|(plus|add|increas|rais|grow))", re.IGNORECASE
)
_CHANGE = re.compile(
    rf"(?P<before>\b(?:plus|minus|less|off|adds?|by)\s+)?"
    rf"{_PERCENT}\s*(?P<after>[a-z]+)?",
    re.IGNORECASE,
)
_BASE = re.compile(rf"(?:([$€£])\s?)?({_NUMBER})(?!\s?(?:%|percent))(?![\d.,]*\d)\s*([a-z]+)?", re.IGNORECASE)
_CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds"}
_INTEREST = re.compile(rf"{_PERCENT}.{{0,60}}?\b({_NUMBER})\s+years?", re.IGNORECASE | re.DOTALL)
#: what the problem says -> how it is calculated from its numbers; the first that fits is taken.
_KINDS: tuple[tuple[re.Pattern[str], int, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), count, expression)
    for pattern, count, expression in (
        (r"\barea\b.*\bcircle\b.*\bradius\b", 1, "pi * {0}^2"),
        (r"\bcircumference\b.*\bradius\b", 1, "2 * pi * {0}"),
        (r"\bvolume\b.*\b(?:sphere|ball)\b.*\bradius\b", 1, "4/3 * pi * {0}^3"),
        (r"\barea\b.*\btriangle\b", 2, "{0} * {1} / 2"),
        (r"\barea\b", 2, "{0} * {1}"),
        (r"\bperimeter\b.*\b(?:rectangle|garden|field)\b", 2, "2 * ({0} + {1})"),
        (r"\bhypotenuse\b|\blegs?\b", 2, "sqrt({0}^2 + {1}^2)"),
        (r"\b(?:average|mean) of\b", 0, "mean([{all}])"),
        (r"\bmedian of\b", 0, "median([{all}])"),
        (r"\bsum of\b", 0, "{sum}"),
        (r"\bsquare root of\b", 1, "sqrt({0})"),
        (r"\bfactorial of\b", 1, "{0}!"),
    )
)


@dataclass(frozen=True, slots=True)
class Working:
    """Calculations in order; `{last}` in one stands for the result before it.

    `formula` gets to the answer by another way, and so can check it; empty where none is known.
    """

    steps: tuple[str, ...]
    formula: str = ""
    unit: str = ""


def working(problem: str) -> Working | None:
    """How a problem of a kind that is known is solved; None for any other."""
    return _interest(problem) or _changes(problem) or _of_a_kind(problem)


def _interest(problem: str) -> Working | None:
    """A sum that bears compound interest."""
    found = _INTEREST.search(problem)
    base = _base(problem)
    if found is None or base is None or not re.search(r"\bcompound|\binterest\b", problem, re.IGNORECASE):
        return None
    rate, years = _plain(found[1]), _plain(found[2])
    if re.search(r"\bsimple interest\b", problem, re.IGNORECASE):
        return Working((f"{base[0]} * {rate}/100 * {years}",), f"{base[0]} * {rate} * {years} / 100", base[1])
    return Working(
        (f"1 + {rate}/100", f"{base[0]} * {{last}}^{years}"), f"{base[0]} * (1 + {rate}/100)^{years}", base[1]
    )


def _changes(problem: str) -> Working | None:
    """An amount that changes by percentages, one after the other."""
    base = _base(problem)
    changes = [
        (_plain(one[2]), _sign(problem[: one.end("before")] if one["before"] else "", one["after"] or ""))
        for one in _CHANGE.finditer(problem)
    ]
    if base is None or not changes or not all(sign for _, sign in changes):
        return None
    steps = [f"{'{last}' if place else base[0]} {sign} {part}%" for place, (part, sign) in enumerate(changes)]
    factors = "".join(f" * (1 {sign} {part}/100)" for part, sign in changes)
    return Working(tuple(steps), f"{base[0]}{factors}", base[1])


def _sign(before: str, after: str) -> str | None:
    """Whether a percentage is taken off or put on; `before` ends with the words that lead to it."""
    if re.match(_LESS, after, re.IGNORECASE):
        return "-"
    if re.match(_MORE, after, re.IGNORECASE):
        return "+"
    led = _LED.findall(before)
    return None if not led else "-" if led[-1][0] else "+"


def _of_a_kind(problem: str) -> Working | None:
    numbers = [_plain(found[2]) for found in _BASE.finditer(problem)]
    flat = " ".join(problem.split())
    for pattern, count, expression in _KINDS:
        if pattern.search(flat) and len(numbers) >= max(count, 1) and (count == 0 or len(numbers) == count):
            done = expression.format(*numbers, all=", ".join(numbers), sum=" + ".join(numbers))
            return Working((done,))
    return None


def _base(problem: str) -> tuple[str, str] | None:
    """The first amount that is no percentage, and its unit."""
    found = _BASE.search(problem)
    if found is None:
        return None
    unit = found[3] if found[3] and found[3].lower() in ("euro", "euros", "dollars", "pounds", "kg", "km") else ""
    return _plain(found[2]), _CURRENCIES.get(found[1] or "", unit)


def _plain(number: str) -> str:
    return number.replace(",", "")
