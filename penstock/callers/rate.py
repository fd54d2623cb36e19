"""How many requests in how long, such as `10/minute`, and what a caller has used of it.

The window slides: in *any* span of its length there are at most so many requests, wherever the span begins. Only
requests that were let through count, so who is refused loses nothing by trying again.
"""

import json
import math
from dataclasses import dataclass

#: Seconds of each unit, and the text of no limit.
_UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_NONE = "none"
#: Seconds of the longest window: what NATS keeps (penstock.jetstream.streams) is longer.
_LONGEST = 31 * 86_400
#: Requests within so small a part of the window are kept as one entry, with the time of the last.
_PARTS = 64


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in any `seconds`."""

    requests: int
    seconds: float

    @classmethod
    def of(cls, text: str, burst: int | None = None) -> "Rate | None":
        """From `<number>/<second|minute|hour|day>`; None for `none`.

        `burst` is how many may come at once, by default the number: the window is as much longer, or shorter. So
        `60/minute` with a burst of 10 is 10 in any 10 seconds, and `10/minute` with one of 30 is 30 in any 3 minutes.
        A burst of more than the longest window's requests is as many as those.
        """
        if text == _NONE:
            return None
        number, _, unit = text.partition("/")
        at_once = min(burst or int(number), int(number) * _LONGEST // _UNITS[unit])
        return cls(at_once, _UNITS[unit] * at_once / int(number))


@dataclass(frozen=True, slots=True)
class Used:
    """The requests that were let through: (Unix time in milliseconds, how many), oldest first."""

    taken: tuple[tuple[int, int], ...] = ()

    @classmethod
    def read(cls, data: bytes | None) -> "Used":
        return cls(tuple((at, count) for at, count in json.loads(data))) if data else cls()

    def written(self) -> bytes:
        return json.dumps(self.taken, separators=(",", ":")).encode()

    def within(self, rate: Rate, now: float) -> "Used":
        """Those that count at `now`."""
        since = (now - rate.seconds) * 1000
        return Used(tuple(one for one in self.taken if one[0] > since))

    @property
    def count(self) -> int:
        return sum(count for _, count in self.taken)

    def with_more(self, requests: int, rate: Rate, at: float) -> "Used":
        """With requests up to `at`, or until when the last ones were where that is later: clocks differ a little."""
        until, part = math.ceil(at * 1000), rate.seconds * 1000 / _PARTS
        if not self.taken:
            return Used(((until, requests),))
        *before, (last, count) = self.taken
        until = max(until, last)
        if last // part == until // part:
            return Used((*before, (until, count + requests)))
        return Used((*self.taken, (until, requests)))

    def without(self, requests: int, at: int) -> "Used":
        """Without so many of those that were added up to `at` (milliseconds), unless they count no more."""
        taken = list(self.taken)
        place = next((place for place, (until, _) in enumerate(taken) if until >= at), None)
        if place is not None and taken[place][1] > requests:
            taken[place] = (taken[place][0], taken[place][1] - requests)
        return Used(tuple(taken))

    def next_free(self, rate: Rate, now: float) -> float:
        """Seconds until one of them counts no more; 0 where there is none."""
        return max(0.0, self.taken[0][0] / 1000 + rate.seconds - now) if self.taken else 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands after a request: `reset` is seconds until one more than `remaining` is free."""

    rate: Rate
    admitted: bool
    remaining: int
    reset: float

    @property
    def wait(self) -> int:
        """`reset` in whole seconds: of a request that was just let through the window's, not one more.

        Times are kept rounded up to milliseconds, and any answer takes longer than that.
        """
        return max(1, math.ceil(round(self.reset - 0.001, 3)))

    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers (version 11) has it, and Retry-After of one that is refused."""
        return {
            "RateLimit-Policy": f'"default";q={self.rate.requests};w={math.ceil(self.rate.seconds)}',
            "RateLimit": f'"default";r={self.remaining};t={self.wait}',
            **({} if self.admitted else {"Retry-After": str(self.wait)}),
        }
