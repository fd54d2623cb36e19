"""Whether two texts are one answer."""

import re
from decimal import Decimal

_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?"
#: A number, a name or a sign.
TOKEN = re.compile(rf"{_NUMBER}|\w+|[^\w\s]")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
#: `validateAnswer` takes amounts of money without their currency. Names are casefolded.
_CURRENCIES = {"€", "$", "£", "¥", "eur", "usd", "gbp", "jpy", "chf", "euro", "euros", "dollar", "dollars"}


def is_the_same(answer: str, checked: str) -> bool:
    """Whether both are one answer: the same words, numbers by their values. Money may have its currency, and one of the
    two `x =` before a single value. Where in doubt, they are not: `5 km` is not `5`, nor `1/2` the same as `0.5`.
    """
    one, other = _tokens(answer), _tokens(checked)
    if not one or not other:
        return False
    same = one == other or _value(one) == other or one == _value(other)
    is_amount = isinstance(other[-1], Decimal) and other[:-1] in ([], ["-"])
    return same or (is_amount and [part for part in _value(one) if str(part).casefold() not in _CURRENCIES] == other)


def _tokens(text: str) -> list[str | Decimal]:
    plain = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), text.strip().rstrip(".").replace("−", "-"))
    return [Decimal(token) if re.fullmatch(_NUMBER, token) else token for token in TOKEN.findall(plain)]


def _value(tokens: list[str | Decimal]) -> list[str | Decimal]:
    return tokens[2:] if tokens[1:2] == ["="] and tokens.count("=") == 1 else tokens
