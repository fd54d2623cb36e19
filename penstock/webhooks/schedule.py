"""When a webhook that was not delivered is tried again."""

import random
from collections.abc import Sequence

#: A receiver's Retry-After is honoured up to this many seconds.
_LONGEST_WISH = 3600.0
_JITTER = 0.2


def next_try(delays: Sequence[float], elapsed: float, *, retry_after: float | None = None) -> float | None:
    """Seconds until the next try, or None after the last.

    `delays` are the pauses between planned tries; `elapsed` is how long after the job's end the failed
    try began. It is time that counts, not deliveries: handing work back at a deploy uses up no try.
    Jitter comes on top (up to a fifth), so that a receiver's outage does not end in a burst.
    """
    planned = 0.0
    for delay in delays:
        planned += delay
        if planned > elapsed:
            wait = max(planned - elapsed, min(retry_after or 0.0, _LONGEST_WISH))
            return wait * (1 + random.uniform(0, _JITTER))
    return None
