"""What can be measured of an output whose truth was planted, without asking a model.

A measure turns each output of a case into evidence (small JSON, kept in the report), and evidence of many cases into
figures. Each figure says which way is better. Of a case that was asked several times every answer counts.
"""

import math
import re
import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pkgutil import resolve_name
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field, JsonValue, StrictBool, StrictInt, StrictStr, TypeAdapter, ValidationError

from penstock.contracts.wire import Wire
from penstock.evals.matching import best_match

#: Of one case: a list of what a measure found in each of its answers.
Evidence = Any
Better = Literal["higher", "lower"]
#: Words by which a language leads, to be told.
_LEAD = 2
#: Two numbers are the same answer within this share of the larger.
_SAME = 1e-6
#: 1,234.5 is in thousands; in whatever else has a comma (1,5 or 1.234,5) it is a decimal one.
_NUMBER = re.compile(
    r"-?(?P<thousands>[1-9]\d{0,2}(?:,\d{3})+(?!\d)(?:\.\d+)?)"
    r"|-?(?:[1-9]\d{0,2}(?:\.\d{3})+,\d+|\d+(?:[.,]\d+)?)"
)
#: Words that are frequent in a language. What is frequent in several stands with all of them or with none.
_COMMON = {
    "en": "the and of to is that for with you this are not have it",
    "de": "der die das und ist nicht mit ein eine für sie wir auf werden",
    "fr": "le la les et est pas des une pour vous nous dans que sur",
    "es": "el la los las y es no una para usted que con por del su",
    "it": "il la le gli di che non una per con sono della è si nel",
    "nl": "het een van niet dat voor met zijn wij aan ook bij deze wordt",
    "pt": "o os as e não uma para você com que do da em são",
}


class Figure(NamedTuple):
    """`of`: the figure of the evidence of many cases; None where they have none."""

    better: Better
    of: Callable[[Sequence[Evidence]], float | None]


_FiniteNumber = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _Measure(Wire, ABC):
    """`at`: the JSON Pointer of what is measured in an output; "" for all of it. `truths`: what a truth can be."""

    figures: ClassVar[Mapping[str, Figure]]
    truths: ClassVar[TypeAdapter[Any]]
    at: str = ""

    def wrong(self, truth: Any) -> str | None:
        """Why nothing can be measured by this truth; None if it can."""
        try:
            self.truths.validate_python(truth)
        except ValidationError as error:
            first = error.errors()[0]
            return ": ".join([*map(str, first["loc"]), first["msg"]])
        return None

    @abstractmethod
    def found_in(self, output: Any, truth: Any) -> Any:
        """The evidence of one answer."""


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _answers(evidence: Iterable[Evidence]) -> list[Any]:
    return [answer for case in evidence for answer in case]


def _share(wanted: Callable[[Any], bool | None]) -> Callable[[Sequence[Evidence]], float | None]:
    """The share of answers for which this is so, of those for which it is not None."""
    return lambda evidence: _mean([float(found) for one in _answers(evidence) if (found := wanted(one)) is not None])


def _macro_f1(cases: Sequence[Evidence]) -> float | None:
    """The mean over the labels of the harmonic mean of precision and recall."""
    scores, evidence = [], _answers(cases)
    for label in {truth for truth, _ in evidence}:
        hits = sum(truth == label == said for truth, said in evidence)
        claimed = sum(said == label for _, said in evidence)
        real = sum(truth == label for truth, _ in evidence)
        scores.append(2 * hits / (claimed + real))
    return _mean(scores)


class Label(_Measure):
    """Truth: the one right value."""

    kind: Literal["label"]
    truths = TypeAdapter(StrictStr | StrictBool | StrictInt | _FiniteNumber | None)
    figures = {
        "right": Figure("higher", _share(lambda pair: pair[0] == pair[1])),
        "macro F1": Figure("higher", _macro_f1),
    }

    def found_in(self, output: Any, truth: Any) -> Any:
        return [truth, found(output, self.at)]


def _total(name: str) -> Callable[[Sequence[Evidence]], float]:
    return lambda evidence: sum(one[name] for one in _answers(evidence))


def _ratio(over: str, *under: str) -> Callable[[Sequence[Any]], float | None]:
    def figure(evidence: Sequence[Any]) -> float | None:
        total = sum(_total(name)(evidence) for name in under)
        return _total(over)(evidence) / total if total else None

    return figure


class _Planted(Wire):
    words: Annotated[list[StrictStr], Field(min_length=1)]
    line: StrictInt | Annotated[list[StrictInt], Field(min_length=1)] | None = None


class Findings(_Measure):
    """Truth: a list of `{words: […], line?}`, empty for a case in which nothing is wrong. `at` is a list of findings.

    A finding is a planted one if it has one of its words, elsewhere than in the `fragment` of code that it copies: that
    says where and not what. Each counts once, however often it is told, and a finding that could be several is the one
    with which most are found. What is found beside is false. `line`: where it shows, or all lines where it does; a
    finding that names none of them, or no line, is not in the right place.
    """

    kind: Literal["findings"]
    truths = TypeAdapter(Annotated[list[_Planted], Field(max_length=10)])
    figures = {
        "recall": Figure("higher", _ratio("hit", "hit", "missed")),
        "precision": Figure("higher", _ratio("hit", "hit", "false")),
        "right lines": Figure("higher", _ratio("lines", "placed")),
        "clean cases left alone": Figure("higher", _share(lambda one: None if one["planted"] else not one["false"])),
    }

    def found_in(self, output: Any, truth: Any) -> Any:
        planted = [_Planted.model_validate(one) for one in truth]
        told = [_fits(planted, one) for one in found(output, self.at) or ()]
        hit, right = best_match(told)
        placed = sum(planted[one].line is not None for one in hit)
        false = sum(not one for one in told)
        missed = len(truth) - len(hit)
        return {
            "planted": len(truth), "hit": len(hit), "missed": missed, "false": false, "lines": right, "placed": placed
        }  # fmt: skip


def _fits(planted: Sequence[_Planted], told: Any) -> dict[int, bool]:
    """Which of the planted ones this may be, and whether it names a line of theirs."""
    said = {name: value for name, value in told.items() if name != "fragment"} if isinstance(told, dict) else told
    text, line = _text(said).lower(), told.get("line") if isinstance(told, dict) else None
    return {
        place: line is not None and line in (one.line if isinstance(one.line, list) else [one.line])
        for place, one in enumerate(planted)
        if any(word.lower() in text for word in one.words)
    }


def _separation(evidence: Sequence[Evidence]) -> float | None:
    """How often a clean case scores above a corrupt one, ties as half: the area under the ROC curve."""
    clean, corrupt = ([one["score"] for one in _answers(evidence) if one["clean"] is which] for which in (True, False))
    won = [1.0 if good > bad else 0.5 if good == bad else 0.0 for good in clean for bad in corrupt]
    return _mean(won)


def _retest(evidence: Sequence[Evidence]) -> float | None:
    return _mean([statistics.stdev(answer["score"] for answer in case) for case in evidence if len(case) > 1])


def _accepted(clean: bool) -> Callable[[Any], bool | None]:
    return lambda one: one["score"] >= one["threshold"] if one["clean"] is clean else None


class Scores(_Measure):
    """Truth: whether the case is clean (`true`) or was corrupted. `by`: `module:function` of an output, where the score
    is computed, in the package of the pattern; `threshold`: at and above it an output is accepted.
    """

    kind: Literal["scores"]
    truths = TypeAdapter(StrictBool)
    by: str | None = None
    threshold: float
    figures = {
        "separation": Figure("higher", _separation),
        "clean accepted": Figure("higher", _share(_accepted(True))),
        "corrupt accepted": Figure("lower", _share(_accepted(False))),
        "retest deviation": Figure("lower", _retest),
    }

    @cached_property
    def _score(self) -> Callable[[Any], float]:
        return resolve_name(self.by) if self.by else lambda output: found(output, self.at)

    def found_in(self, output: Any, truth: Any) -> Any:
        return {"clean": truth, "threshold": self.threshold, "score": float(self._score(output))}


class _Patterns(Wire):
    never: list[re.Pattern[str]] = []
    must: list[re.Pattern[str]] = []


class Words(_Measure):
    """Truth: `{never: […], must: […]}`, regular expressions of ours for all texts at `at`."""

    kind: Literal["words"]
    truths = TypeAdapter(_Patterns)
    figures = {
        "free of what is forbidden": Figure("higher", _share(lambda one: one["clean"])),
        "has what is needed": Figure("higher", _share(lambda one: one["complete"])),
    }

    def found_in(self, output: Any, truth: Any) -> Any:
        text = _text(found(output, self.at))

        def throughout(patterns: Sequence[str], wanted: bool) -> bool | None:
            return all(bool(re.search(one, text, re.IGNORECASE)) is wanted for one in patterns) if patterns else None

        return {"clean": throughout(truth.get("never", ()), False), "complete": throughout(truth.get("must", ()), True)}


class Number(_Measure):
    """Truth: the number that the text at `at` must have. `verified`: the pointer of whether it claims to be checked."""

    kind: Literal["number"]
    truths = TypeAdapter(_FiniteNumber)
    verified: str
    figures = {
        "right": Figure("higher", _share(lambda one: one["right"])),
        "wrong but verified": Figure("lower", _share(lambda one: one["verified"] and not one["right"])),
        "verified": Figure("higher", _share(lambda one: one["verified"])),
    }

    def found_in(self, output: Any, truth: Any) -> Any:
        said = map(_value, _NUMBER.finditer(_text(found(output, self.at))))
        right = any(math.isclose(one, truth, rel_tol=_SAME) for one in said)
        return {"right": right, "verified": bool(found(output, self.verified))}


class Language(_Measure):
    """Truth: the ISO 639-1 code of the language that the text is to be in, told by its frequent words.

    None is told where it has not two more of one language than of each other one.
    """

    kind: Literal["language"]
    truths = TypeAdapter(Annotated[str, Field(pattern=f"^({'|'.join(_COMMON)})$")])
    figures = {"right language": Figure("higher", _share(lambda pair: None if pair[1] is None else pair[0] == pair[1]))}

    def found_in(self, output: Any, truth: Any) -> Any:
        words = re.findall(r"[^\W\d_]+", _text(found(output, self.at)).lower())
        shares = {code: sum(word in common.split() for word in words) for code, common in _COMMON.items()}
        second, best = sorted(shares, key=lambda code: shares[code])[-2:]
        return [truth, best if shares[best] >= shares[second] + _LEAD else None]


Measure = Annotated[Label | Findings | Scores | Words | Number | Language, Field(discriminator="kind")]


def found(output: JsonValue, pointer: str) -> Any:
    """What stands at a JSON Pointer (RFC 6901); None where nothing does."""
    value: Any = output
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return value


def _text(value: Any) -> str:
    """What a reader sees of it: a text as it is, and of what holds others their texts and numbers, a line each."""
    if isinstance(value, dict | list):
        return "\n".join(map(_text, value.values() if isinstance(value, dict) else value))
    return "" if value is None or isinstance(value, bool) else str(value)


def _value(number: re.Match[str]) -> float:
    text = number[0]
    if number["thousands"] is None and "," in text:
        text = text.replace(".", "").replace(",", ".")
    return float(text.replace(",", ""))
