"""What a proposed answer says: values, perhaps with names, or that there is none; each with its shown precision."""

import re
from dataclasses import dataclass
from typing import Any, Final

import sympy

from penstock.tools.maths.closeness import Match, numbers_match
from penstock.tools.maths.errors import MathsError, SyntaxProblem
from penstock.tools.maths.evaluator import Evaluator
from penstock.tools.maths.syntax import parse_one
from penstock.tools.maths.wording import notation

_PREFACE: Final = re.compile(
    r"(?:(?:so|thus|hence|therefore|and)[, ]+)*(?:the\s+)?(?:(?:final|correct|exact)\s+)?"
    r"(?:answers?|solutions?|results?|roots|value|derivative|integral|area|sum|product)\s*(?:(?:is|are|:|=)\s*:?|set\s*[:=])\s*",
    re.IGNORECASE,
)
_REMARK: Final = re.compile(
    r"(?:\s+\(|,?\s+(?=since|because))(?:since|because|as|approximately|approx|about|rounded|by|using|check|which|i\.e)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_ABOUT: Final = re.compile(r"(?:about|approximately|approx\.?|roughly|around|nearly|≈|~)\s*", re.IGNORECASE)
_NOTHING: Final = re.compile(
    r"(?:there (?:is|are) |it has |x = )?(?P<real>no real |no )(?:solutions?|roots?)(?: exists?)?|none|∅|empty set|no",
    re.IGNORECASE,
)
_EVERYTHING: Final = re.compile(
    r"(?:all|any|every)(?: real)?(?: numbers?| values?| [a-z])(?: of [a-z])?|true for (?:all|every|any) .+|"
    r"infinitely many solutions|(?:x = )?(?:all real numbers|any real number)",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    r"\s*(?P<name>[A-Za-z]\w*(?:\s?\w+)*?'?(?:\([^()]*\))?)\s*(?P<relation>[=≈~])\s*(?P<value>[^=].*)", re.DOTALL
)
_PLAIN: Final = re.compile(
    r"[-+]?\s*\d*(?:\.(?P<decimals>\d+))?(?:[eE](?P<exponent>[-+]?\d+))?(?P<rest>[^\d.]*(?:\^\d.*|/.*)?)"
)
_DECIMAL: Final = re.compile(r"\d*\.(\d+)")


_AGREEING: Final = (Match.EXACT, Match.ROUNDED, Match.CUT_OFF)


@dataclass(frozen=True)
class Written:
    """One value as it stands there. `about`: said to be approximate."""

    text: str
    about: bool = False

    def value(self, *, letters_are_unknown: bool) -> Any:
        return Evaluator(letters_are_unknown=letters_are_unknown).value(parse_one(self.text))

    @property
    def precision_is_clear(self) -> bool:
        """Not so for `3.14 * 10^2`: how exact that is meant to be is anybody's guess."""
        return not _DECIMAL.search(self.text) or _PLAIN.fullmatch(self.text) is not None

    @property
    def tolerance(self) -> sympy.Rational:
        """Half a unit of the last decimal shown; nothing for an integer or a fraction, unless it says `about`."""
        if (plain := _PLAIN.fullmatch(self.text)) and (plain["decimals"] or self.about):
            return sympy.Rational(1, 2) * sympy.Rational(10) ** (
                int(plain["exponent"] or 0) - len(plain["decimals"] or "")
            )
        decimals = [len(found) for found in _DECIMAL.findall(self.text)]
        return sympy.Rational(1, 2) * sympy.Rational(10) ** -min(decimals) if decimals else sympy.Rational(0)


@dataclass(frozen=True)
class Answer:
    """Alternatives (`or`), each a set of named values; `""` is the name of a value without one."""

    alternatives: tuple[dict[str, Written], ...] = ()
    nothing: str | None = None
    everything: bool = False


def read_answer(text: str, *, unknowns: tuple[str, ...] = ()) -> Answer:
    """Raises SyntaxProblem if it cannot be read. `unknowns` give `(6, 4)` its meaning."""
    text = _cleaned(text)
    if found := _NOTHING.fullmatch(text):
        return Answer(nothing="real" if found["real"] and "real" in found["real"].lower() else "any")
    if _EVERYTHING.fullmatch(text):
        return Answer(everything=True)
    alternatives: list[dict[str, Written]] = []
    for part in re.split(r"\s*,?\s+or\s+", _sign_pairs(text)):
        alternatives += _alternatives(part, unknowns, alternatives[-1] if alternatives else {})
    if not alternatives:
        raise SyntaxProblem("the answer is empty")
    return Answer(tuple(alternatives))


def _cleaned(text: str) -> str:
    text = re.sub(r"\\boxed\{(.*)\}", r"\1", text.strip(" \n*$`"))
    text = _REMARK.sub("", _PREFACE.sub("", text, count=1) if _PREFACE.match(text) else text)
    return re.sub(r"\s*(?:square |cubic )?units?$", "", notation(text.strip(" \n*$`")), flags=re.IGNORECASE)


def _sign_pairs(text: str) -> str:
    """`x = ±2` and `x = 1 ± sqrt(2)` are two answers."""
    return f"{text.replace('±', '+')} or {text.replace('±', '-')}" if "±" in text else text


def _alternatives(text: str, unknowns: tuple[str, ...], before: dict[str, Written]) -> list[dict[str, Written]]:
    bracketed = _unwrapped(text)
    pieces = [piece for piece in _pieces(bracketed or text) if piece]
    if bracketed is not None and text.strip().startswith("(") and len(pieces) == len(unknowns) > 1:
        return [{name: _written(piece) for name, piece in zip(unknowns, pieces, strict=True)}]
    inherited = next(iter(before)) if len(before) == 1 else ""
    named: list[tuple[str, Written]] = []
    for piece in pieces:
        if found := _NAMED.fullmatch(piece):
            inherited = found["name"].strip()
            named.append((inherited, _written(found["value"], about=found["relation"] != "=")))
        else:
            named.append((inherited, _written(piece)))
    if len({name for name, _ in named}) == len(named):
        return [dict(named)] if named else []
    return [{name: written} for name, written in named]


def _written(text: str, *, about: bool = False) -> Written:
    text = text.strip()
    said = _ABOUT.match(text)
    text = text[said.end() :] if said else text
    parts = [part.strip() for part in re.split(r"≈|~|=", text)]
    if len(parts) > 1 and not _agree(parts[0], parts[-1]):
        raise SyntaxProblem(f"the answer {text[:80]!r} contradicts itself or cannot be read")
    try:
        parse_one(parts[0])
    except MathsError:
        raise SyntaxProblem(f"the answer {text[:80]!r} cannot be read") from None
    return Written(parts[0], about=about or said is not None)


def _agree(first: str, last: str) -> bool:
    """`sqrt(2) ≈ 1.414` and `18/3 = 6` say a value twice; `18/3 = 5` says nothing."""
    shorter = Written(last, about=True)
    values = [Written(text).value(letters_are_unknown=True) for text in (first, last)]
    if not all(isinstance(value, sympy.Expr) and value.is_number for value in values):
        return False
    return numbers_match(values[0], values[1], shorter.tolerance if "." in last else sympy.Rational(0)) in _AGREEING


def _unwrapped(text: str) -> str | None:
    """What is inside if one pair of brackets encloses a list."""
    text = text.strip()
    if len(text) > 1 and text[0] in "{([" and text[-1] in "})]" and "," in text and not set(text[1:-1]) & set("{}()[]"):
        return text[1:-1]
    return None


def _pieces(text: str) -> list[str]:
    """Split at commas, semicolons and `and` outside brackets."""
    depth, start, pieces = 0, 0, []
    text = re.sub(r"\s*,?\s+and\s+", ",", text)
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character in ",;\n" and depth == 0:
            pieces.append(text[start:position].strip())
            start = position + 1
    return [*pieces, text[start:].strip()]
