"""What a job waits for beside its steps: signals from outside, and time."""

from typing import Any

from pydantic import JsonValue

from penstock.contracts.wire import Time, Token, Tolerant, Wire, omitted

#: Of the time that a job is kept, the share that it can wait at most: its last hundredth is for what comes after.
LONGEST_WAIT = 0.99


def wait_key(key: str) -> str:
    """Where the journal has a wait."""
    return f"wait.{key}"


def signal_key(name: str) -> str:
    """Where the journal has a signal."""
    return f"signal.{name}"


def timer_key(key: str) -> str:
    """Where the journal has that the time of a wait has come."""
    return f"timer.{key}"


def shift_key(number: int | str) -> str:
    """Where the journal has a shift, counted from 0: one with an even number parks the job."""
    return f"shift.{number}"


class Waiting(Tolerant):
    """`journal.<tenant>.<job>.wait.<key>`: a wait that has begun; written once: a replay ends it at the same time."""

    key: str
    #: The signal that ends it, and the JSON Schema of that one's body; none for a sleep.
    signal: str | None = omitted()
    body_schema: dict[str, Any] | None = omitted()
    #: When it ends without a signal.
    until: Time

    @property
    def ends(self) -> set[str]:
        """The facts that end it: the one that is first in the journal does."""
        return {timer_key(self.key)} | ({signal_key(self.signal)} if self.signal else set())


class TimerFired(Tolerant):
    """`journal.<tenant>.<job>.timer.<key>`: the time of the wait `key` has come."""

    key: str
    fired_at: Time


class Shift(Tolerant):
    """`journal.<tenant>.<job>.shift.<number>`: at Unix time `at` the job was parked, or resumed by who held `by`."""

    at: float
    by: str | None = omitted()


class Signal(Tolerant):
    """`journal.<tenant>.<job>.signal.<name>`: what was said to a job from outside. The first of a name is the one."""

    job: str
    name: str
    body: JsonValue
    received_at: Time


class SignalRequest(Wire):
    """A signal for the job `id`."""

    id: Token
    name: str
    body: JsonValue
