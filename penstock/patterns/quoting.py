"""Whether what a model quotes stands where it says: evidence that can be checked without a model."""

from collections.abc import Iterable


def unfound(quotes: Iterable[str], text: str, where: str) -> list[str]:
    """A sentence for each quote that is blank or does not stand in `text`, where all white space is alike."""
    known = " ".join(text.split())
    plain = [" ".join(quote.split()) for quote in quotes]
    return [
        f'"{quote}" does not stand in {where}: quote it word for word, or leave the finding out.'
        for quote in plain
        if not quote or quote not in known
    ]
