"""English around mathematics to the notation of the grammar. Only phrases with one meaning are rewritten."""

import re
from typing import Final

_NUMBER: Final = r"(-?\d+(?:\.\d+)?)"


def _statistic(found: re.Match[str]) -> str:
    name = "median" if found[1].lower() == "median" else "mean"
    return f"{name}({', '.join(re.findall(_NUMBER, found[2]))})"


def _matrix_function(found: re.Match[str]) -> str:
    return f"{'transpose' if found[1].lower().startswith('t') else found[1].lower()}({found[2]})"


_REWRITES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"(?<![\w.])(\d{1,3})((?:,\d{3})+)(?!\d)", lambda found: found[1] + found[2].replace(",", "")),
        (r"\$(?=\d)|\\[()\[\]]|(?<=\d)\$", ""),
        (r"\s+per\s*cent\b|\s+percent\b", "%"),
        (r"\bdegrees?\s+(?:celsius|C)\b", "degC"),
        (r"\bdegrees?\s+(?:fahrenheit|F)\b", "degF"),
        (r"\bsquare root of\s+\(?" + _NUMBER + r"\)?", r"sqrt(\1)"),
        (r"√\s*(\d+(?:\.\d+)?)", r"sqrt(\1)"),
        (r"\bcube root of\s+" + _NUMBER, r"cbrt(\1)"),
        (r"\blog(?:arithm)? base " + _NUMBER + r" of " + _NUMBER, r"log(\2, \1)"),
        (r"\bthe (sum|product|difference|quotient|gcd|lcm)\b", r"\1"),
        (r"\bsum of\s+" + _NUMBER + r"\s+and\s+" + _NUMBER, r"(\1 + \2)"),
        (r"\bproduct of\s+" + _NUMBER + r"\s+and\s+" + _NUMBER, r"(\1 * \2)"),
        (r"\bdifference (?:of|between)\s+" + _NUMBER + r"\s+and\s+" + _NUMBER, r"(\1 - (\2))"),
        (r"\bquotient of\s+" + _NUMBER + r"\s+and\s+" + _NUMBER, r"(\1 / (\2))"),
        (r"\b(?:gcd|greatest common (?:divisor|factor)) of\s+(\d+)\s+and\s+(\d+)", r"gcd(\1, \2)"),
        (r"\b(?:lcm|least common multiple) of\s+(\d+)\s+and\s+(\d+)", r"lcm(\1, \2)"),
        (r"\b(mean|average|median) of\s+((?:" + _NUMBER + r"[,\s]+(?:and\s+)?)+" + _NUMBER + r")", _statistic),
        (r"\b(\d+)\s+factorial\b|\bfactorial of (\d+)", lambda found: f"{found[1] or found[2]}!"),
        (r"\b(det|inv|transpos)(?:erminant|erse|e) of (?:the matrix )?(\[\[.*\]\])", _matrix_function),
        (r"\s+plus\s+", " + "),
        (r"\s+minus\s+", " - "),
        (r"\s+(?:times|multiplied by)\s+", " * "),
        (r"\s+divided by\s+", " / "),
        (r"(?<=[\w)])\s+squared\b", "^2"),
        (r"(?<=[\w)])\s+cubed\b", "^3"),
        (r"\s+(?:raised )?to the power of\s+", "^"),
        (r"\s+(?:is equal to|equals)\s+", " = "),
    )
)
_LEAD: Final = re.compile(
    r"(?:(?:please|can you|could you|now)\s+)*"
    r"(?:what is|what's|what are|calculate|compute|evaluate|find|determine|how much is|work out|give)"
    r"(?:\s+the)?(?:\s+(?:exact\s+)?(?:value|result|answer)\s+of)?\s*:?\s+",
    re.IGNORECASE,
)


def notation(text: str) -> str:
    """The text with its words for operations replaced, and without what ends a sentence."""
    text = re.sub(r"[ \t\r\f\v]+", " ", text).strip().rstrip(".? ")
    text = text.removesuffix("= ").removesuffix("=").strip()
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return text


def without_lead(text: str) -> str:
    """`What is the value of 2 + 3` asks for `2 + 3`."""
    return _LEAD.sub("", text, count=1) if _LEAD.match(text) else text
