"""Figures that a sentence describes completely, and the formula of what is asked about them."""

import re
from typing import Final

_MEASURE: Final = r"(\d+(?:\.\d+)?(?:\s*(?:mm|cm|m|km|in|inch|inches|ft|feet|meters?|metres?|units?))?)"
_WITH: Final = r"(?:\s+(?:with|of|whose|having|that has))?(?:\s+an?)?\s+"
_BE: Final = r"(?:\s+(?:of|is|=))?\s*"

_AND: Final = r" and(?: (?:width|length|height))?<n>"

_FIGURES: Final = (
    (r"area of (?:a|the) circle<with>radius<n>", "pi * ({0})^2"),
    (r"area of (?:a|the) circle<with>diameter<n>", "pi * ({0})^2 / 4"),
    (r"(?:circumference|perimeter) of (?:a|the) circle<with>radius<n>", "2 * pi * ({0})"),
    (r"(?:circumference|perimeter) of (?:a|the) circle<with>diameter<n>", "pi * ({0})"),
    (r"area of (?:a|the) square<with>sides?(?: length)?<n>", "({0})^2"),
    (r"perimeter of (?:a|the) square<with>sides?(?: length)?<n>", "4 * ({0})"),
    (r"area of (?:a|the) rectangle<with>(?:length|width|sides)<n>" + _AND, "({0}) * ({1})"),
    (r"perimeter of (?:a|the) rectangle<with>(?:length|width|sides)<n>" + _AND, "2 * (({0}) + ({1}))"),
    (r"area of (?:a|the) triangle<with>base<n> and height<n>", "({0}) * ({1}) / 2"),
    (r"hypotenuse of (?:a|the) right(?:-angled)? triangle<with>(?:legs|sides)<n> and<n>", "sqrt(({0})^2 + ({1})^2)"),
    (r"volume of (?:a|the) cube<with>(?:sides?|edges?)(?: length)?<n>", "({0})^3"),
    (r"volume of (?:a|the) sphere<with>radius<n>", "4 / 3 * pi * ({0})^3"),
    (r"surface area of (?:a|the) sphere<with>radius<n>", "4 * pi * ({0})^2"),
    (r"volume of (?:a|the) cylinder<with>radius<n> and height<n>", "pi * ({0})^2 * ({1})"),
)


def _pattern(figure: str) -> re.Pattern[str]:
    written = figure.replace(" ", r"\s+").replace("<with>", _WITH).replace("<n>", _BE + _MEASURE)
    return re.compile(written, re.IGNORECASE)


_FORMULAS: Final = tuple((_pattern(figure), formula) for figure, formula in _FIGURES)


def formula_for(text: str) -> str | None:
    """The expression that a question such as `area of a circle with radius 5` asks for."""
    for figure, formula in _FORMULAS:
        if found := figure.fullmatch(text):
            return formula.format(*(re.sub(r"\s*units?$", "", measure) for measure in found.groups()))
    return None
