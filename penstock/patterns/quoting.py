"""What models quote: whether it stands where they say, and how it is shown to them when they are asked again."""

import json
import re
import unicodedata
from collections.abc import Iterable
from itertools import islice

#: Faults of one reply that are looked for: more would not be told.
MOST = 20
#: Characters of a quotation that are shown.
_SHOWN = 120
_SIGNS = dict.fromkeys(map(ord, "\"'‘’‚‛“”„‟«»‹›´′″＂＇"), "'") | dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-")
#: Letters, and signs and accents behind them: normalizing takes the square of a run of accents.
_PIECE = re.compile(r"\w+[^\w\s]{0,16}|[^\w\s]{1,16}")
_LEFT_OUT = re.compile(r" ?[\[(]?\.{3,}[\])]? ?")
_LINE_NUMBER = re.compile(r"^[ \t]*\d+\|(?: |$)", re.MULTILINE)


def unfound(quotes: Iterable[str], text: str, where: str) -> list[str]:
    """A sentence for each quote, up to MOST, that is blank or does not stand in `text`, however set (`folded`)."""
    known = folded(text)
    faults = (
        f"{shown(quote.strip())} does not stand in {where}: quote it word for word, or leave the finding out."
        for quote in quotes
        if not stands(folded(bare(quote)), known)
    )
    return list(islice(faults, MOST))


def bare(quote: str) -> str:
    """Without backticks around it and the numbers before its lines (`2| `), which models copy."""
    return _LINE_NUMBER.sub("", quote.strip().strip("`")).strip()


def folded(text: str) -> str:
    """Equal for texts that differ in white space, case, the form of quotation marks, dashes and characters (NFKC)."""
    plain = _PIECE.sub(lambda piece: unicodedata.normalize("NFKC", piece[0]), text.translate(_SIGNS))
    return " ".join(plain.casefold().split())


def stands(quote: str, text: str) -> bool:
    """Of two that are `folded`. What an ellipsis parts must all stand there, in this order. Takes linear time."""
    if quote and quote in text:
        return True
    parts, place = [part for part in _LEFT_OUT.split(quote) if part], 0
    for part in parts:
        if (found := text.find(part, place)) < 0:
            return False
        place = found + len(part)
    return bool(parts)


def shown(text: str) -> str:
    """A model's words as a string of JSON, in a line: they cannot pass for ours (penstock.steps.prompts)."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return json.dumps("".join(one if one.isprintable() else " " for one in short), ensure_ascii=False)
