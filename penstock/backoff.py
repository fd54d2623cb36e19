"""How long to wait before something that failed is tried again: the same for everything a service retries."""

import random

#: Another side's Retry-After is honoured up to this many seconds, unless the caller says otherwise.
LONGEST_REQUESTED = 60.0
_JITTER = 0.2


def delay(failures: int, *, first: float, longest: float, requested: float | None = None) -> float:
    """Seconds to wait after the `failures`-th failure in a row: about `first`, doubled each time up to `longest`.

    "Equal jitter": half of it fixed and half random, so that a burst of failures does not return as one.
    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    Where the other side `requested` a time, that counts instead, up to LONGEST_REQUESTED.
    """
    if requested is not None:
        return jittered(min(requested, LONGEST_REQUESTED), least=first)
    exponential = min(longest, first * 2.0 ** min(failures - 1, 64))
    return exponential / 2 + random.uniform(0, exponential / 2)


def jittered(seconds: float, *, least: float = 0.0) -> float:
    """`seconds` and up to a fifth more, or up to `least` more if that is longer."""
    return seconds + random.uniform(0, max(_JITTER * seconds, least))
