"""Which of the things that were told is which of those that were planted."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Match(NamedTuple):
    """`hit`: the planted ones that were told, by their place; `right`: how many of them with the right line."""

    hit: frozenset[int]
    right: int


def best_match(told: Sequence[Mapping[int, bool]]) -> Match:
    """The assignment with most hits, and of those the one with most right lines: exact, whatever the order.

    `told`: for each thing that was told, the planted ones that it may be, and whether its line is theirs. Each is at
    most one of them. Takes time in 2 to the number of planted ones.
    """
    best = {frozenset[int](): 0}
    for one in told:
        for hit, right in [*best.items()]:
            for planted in one.keys() - hit:
                more = hit | {planted}
                best[more] = max(best.get(more, 0), right + one[planted])
    return Match(*max(best.items(), key=lambda pair: (len(pair[0]), pair[1])))
