"""How long to wait before the next delivery."""

import random

#: Seconds: no retry waits longer, whatever the other side asks for.
LONGEST = 60.0
_CAP = 30.0


def delay(attempt: int, *, base: float, retry_after: float | None) -> float:
    """Seconds before attempt `attempt + 1`: what was asked for, or `base` doubled each time up to 30 s.

    "Equal jitter": half of it fixed and half random, so that a burst of failures does not return as one.
    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    if retry_after is not None:
        return min(LONGEST, retry_after) + random.uniform(0, base)
    backoff = min(_CAP, base * 2.0 ** (attempt - 1))
    return backoff / 2 + random.uniform(0, backoff / 2)
