"""Whose turn it is among consumers with weights: the more weight, the more often; those with the same in a circle."""

from penstock.jetstream.source import Source


class ByWeight:
    """The turns of one pull group. A turn counts the more the less the weight is; one that nobody used is gone."""

    def __init__(self) -> None:
        self._turns = 0
        self._passed: dict[int, float] = {}
        self._all_passed = 0.0

    def place(self, source: Source) -> tuple[float, int, int]:
        """Least where it is the turn of this one."""
        return self._passed_by(source.weight), -source.weight, source.turn

    def took(self, source: Source) -> None:
        """It had its turn."""
        self._all_passed = self._passed_by(source.weight)
        self._passed[source.weight] = self._all_passed + 1 / source.weight
        self._turns = source.turn = self._turns + 1

    def _passed_by(self, weight: int) -> float:
        return max(self._passed.get(weight, 0.0), self._all_passed)
