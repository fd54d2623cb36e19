"""The journal's facts: a job's start, each step's outcome, its waits and signals, its end. Each is written once."""

from typing import Any, Literal

from penstock.contracts.budgets import PayingKey
from penstock.contracts.problem import Problem
from penstock.contracts.usage import Execution, Paid, Usage
from penstock.contracts.wire import Tolerant, omitted

#: Keys of the journal that are not steps'. No step may be called so.
START, END = "start", "end"
RESERVED_KEYS = frozenset({START, END})


def wasted_key(attempt: str) -> str:
    """Where the journal has what an attempt cost that nothing came of, as the attempt itself tells."""
    return f"wasted.{attempt}"


def lost_key(attempt: str) -> str:
    """Where the journal has that an attempt began and has told nothing by the time that another one looked."""
    return f"lost.{attempt}"


def is_step(key: str) -> bool:
    """Whether the fact under `key` is a step's outcome. Others have a dot in their key, which no token has."""
    return key not in RESERVED_KEYS and "." not in key


class JobStart(Tolerant):
    """`journal.<tenant>.<job>.start`: what the id stands for. Times are Unix seconds."""

    pattern: str
    #: SHA-256 of the request body (hex): the same id with another body is refused.
    body_hash: str
    accepted_at: float
    #: Unless the job is parked before: see `deadline_after`.
    deadline: float
    #: The pattern's, at the replica that began the job (penstock.runs.versions).
    version: str = ""
    #: The first job that this one is another try at (penstock.jobs.retry).
    retry_of: str | None = omitted()
    paying_key: PayingKey | None = omitted()
    #: Whether the time counts in which the job only waits.
    waiting_counts: bool = False

    def deadline_after(self, parked_for: float) -> float:
        """The deadline of a job that has been parked for so many seconds."""
        return self.deadline + (0.0 if self.waiting_counts else parked_for)


class Outcome(Execution):
    """`journal.<tenant>.<job>.<key>`: how a step ended; `failure` is None exactly if it succeeded with `value`."""

    pattern: str = ""
    fingerprint: str
    #: The attempt's name, and the number of events it published of the step (penstock.contracts.events).
    i: str = ""
    n: int | None = omitted()
    service: str
    #: When its message was put into its queue.
    dispatched_at: float | None = omitted()
    #: Where readers were shown the value, or of a Turn its words alone.
    into: str | None = omitted()
    words_into: str | None = omitted()
    value: Any = None
    failure: Problem | None = omitted()
    #: Of all attempts, as far as they have told; `paid` is what this one cost.
    usage: Usage = Usage()
    paid: Paid = {}
    prices: str | None = omitted()
    duration_ms: int = 0

    @property
    def place(self) -> str | None:
        """Where readers were shown it."""
        return self.into if self.words_into is None else self.words_into


class Wasted(Tolerant):
    """`journal.<job>.wasted.<i>`, `….lost.<i>`: what the attempt `i` at a step cost that did not end it.

    It was tried again, another attempt was first, or nobody waited any more. A lost one's cost is not known; if it
    tells after all, the journal has both.
    """

    pattern: str
    step: str
    key: str
    paid: Paid
    #: The price list that `paid` was reckoned with.
    prices: str | None = omitted()


class JobEnd(Tolerant):
    """`journal.<tenant>.<job>.end`: the one way the job ended."""

    pattern: str
    status: Literal["completed", "failed", "cancelled"]
    ended_at: float
    result: dict[str, Any] | None = omitted()
    problem: Problem | None = omitted()
    #: Members of the result itself (not deeper) that are null, such as a review that failed (parallel-processing).
    missing: tuple[str, ...] = ()
    usage: Usage = Usage()
