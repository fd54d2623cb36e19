"""What models quote: whether it stands where they say, and how it is shown to them when they are asked again."""

import json
from collections.abc import Iterable
from itertools import islice

#: Faults of one reply that are looked for: more would not be told.
MOST = 20
#: Characters of a quotation that are shown.
_SHOWN = 120


def unfound(quotes: Iterable[str], text: str, where: str) -> list[str]:
    """A sentence for each quote, up to MOST, that is blank or does not stand in `text`. All white space is alike."""
    known = " ".join(text.split())
    plain = (" ".join(quote.split()) for quote in quotes)
    faults = (
        f"{shown(quote)} does not stand in {where}: quote it word for word, or leave the finding out."
        for quote in plain
        if not quote or quote not in known
    )
    return list(islice(faults, MOST))


def shown(text: str) -> str:
    """A model's words as a string of JSON, in a line: they cannot pass for ours (penstock.steps.prompts)."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return json.dumps("".join(one if one.isprintable() else " " for one in short), ensure_ascii=False)
