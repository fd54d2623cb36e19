"""Numbers within a schema's limits, plausible for their field's name."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from random import Random

from simulator.schema import Schema
from simulator.topic import Topic
from simulator.validity import divides

_SCORE = re.compile(r"score|rating|accuracy|naturalness|appropriate|quality|confidence|grade|fluency", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a number; infinite where there are none."""

    low: float
    high: float
    above: float
    below: float
    step: float | None
    whole: bool

    @classmethod
    def of(cls, schema: Schema, *, whole: bool) -> Bounds:
        """The limits that the schema names."""
        return cls(
            low=schema.get("minimum", -math.inf),
            high=schema.get("maximum", math.inf),
            above=schema.get("exclusiveMinimum", -math.inf),
            below=schema.get("exclusiveMaximum", math.inf),
            step=schema.get("multipleOf"),
            whole=whole,
        )

    @property
    def bottom(self) -> float:
        return max(self.low, self.above)

    @property
    def top(self) -> float:
        return min(self.high, self.below)

    def holds(self, value: float) -> bool:
        """The value is within the limits."""
        inside = self.low <= value <= self.high and self.above < value < self.below
        return inside and (self.step is None or divides(self.step, value))

    def nearest(self, wish: float) -> int | float | None:
        """A valid number close to the wish; None if none was found."""
        wish = max(min(wish, self.top), self.bottom)
        if not math.isfinite(wish):
            return None
        if self.step is not None:
            return self._multiple(wish)
        if self.whole:
            around = (round(wish), math.ceil(wish), math.floor(wish), math.floor(wish) + 1, math.ceil(wish) - 1)
            return next((one for one in around if self.holds(one)), None)
        tries = [round(wish, 1), round(wish, 2), wish, (self.bottom + self.top) / 2]
        tries += [math.nextafter(wish, math.inf), math.nextafter(wish, -math.inf)]
        return next((one for one in tries if math.isfinite(one) and self.holds(one)), None)

    def _multiple(self, wish: float) -> int | float | None:
        step = self.step
        assert step is not None
        start = round(wish / step)
        for away in range(400):
            for times in (start + away, start - away):
                value = times * step
                if self.whole and not float(value).is_integer():
                    continue
                found = int(value) if self.whole else value
                if self.holds(found):
                    return found
        return None


def plausible(name: str, bounds: Bounds, topic: Topic, random: Random, index: int | None) -> float:
    """A wish for a field of that name: a score by whether the text is revised, else something small."""
    low, high = bounds.bottom, bounds.top
    bounded = math.isfinite(low) and math.isfinite(high)
    if _SCORE.search(name):
        share = (0.84 + 0.08 * random.random()) if topic.revised else (0.54 + 0.08 * random.random())
        if bounded and bounds.whole and high - low > 3:
            return low - 1 + (high - low + 1) * (0.9 if topic.revised else 0.6)
        if high == 10 or not bounded:
            return share * 10
        return low + share * (high - low)
    lowered = name.lower()
    if lowered.startswith("line"):
        return 3 + 7 * (index or 0) + random.randrange(5)
    if lowered in ("step", "number", "order", "index", "iteration"):
        return (index or 0) + 1
    if "hour" in lowered:
        return 4 + 4 * random.randrange(5)
    if bounded:
        return low + (high - low) * (0.3 + 0.4 * random.random())
    return 1 + random.randrange(9) + (index or 0)
