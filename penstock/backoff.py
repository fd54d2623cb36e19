"""How long to wait before something that failed is tried again: the same for everything a service retries."""

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: `delay` honours what another side requests up to this many seconds.
LONGEST_REQUESTED = 60.0
_JITTER = 0.2


def delay(failures: int, *, first: float, longest: float, requested: float | None = None) -> float:
    """Seconds to wait after the `failures`-th failure in a row: half of `first` to all of it, doubled each time.

    "Equal jitter": half of it fixed and half random, so that a burst of failures does not return as one; all of it at
    most `longest`. Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    Where the other side `requested` a time, that counts instead, up to LONGEST_REQUESTED.
    """
    if requested is not None:
        return jittered(min(requested, LONGEST_REQUESTED), least=first)
    exponential = min(longest, first * 2.0 ** min(failures - 1, 64))
    return exponential / 2 + random.uniform(0, exponential / 2)


def jittered(seconds: float, *, least: float = 0.0) -> float:
    """`seconds` and up to a fifth more, or up to `least` more if that is longer."""
    return seconds + random.uniform(0, max(_JITTER * seconds, least))


def retry_after(header: str) -> float | None:
    """Seconds from now that a Retry-After header asks for, by a number or a date; None for what is neither."""
    if re.fullmatch(r"\d+(\.\d+)?", header):
        return float(header)
    try:
        left = parsedate_to_datetime(header) - datetime.now(UTC)
    except (ValueError, TypeError):  # no date, or one without a zone
        return None
    return max(left.total_seconds(), 0.0)
