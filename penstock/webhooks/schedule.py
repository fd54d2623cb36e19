"""When a webhook that was not delivered is tried again."""

from collections.abc import Sequence

from penstock.backoff import jittered

#: A receiver's Retry-After is honoured up to this many seconds.
_LONGEST_REQUESTED = 3600.0


def next_try(delays: Sequence[float], elapsed: float, *, retry_after: float | None = None) -> float | None:
    """Seconds until the next try, or None after the last.

    `delays` are the pauses between planned tries; `elapsed` is how long after the job's end the failed
    try began. It is time that counts, not deliveries: handing work back at a deploy uses up no try.
    """
    planned = 0.0
    for delay in delays:
        planned += delay
        if planned > elapsed:
            return jittered(max(planned - elapsed, min(retry_after or 0.0, _LONGEST_REQUESTED)))
    return None
