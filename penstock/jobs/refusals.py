"""Any exception as the problem that a caller is told: over HTTP and over NATS the same."""

import logging

from nats.js.errors import APIError

from penstock.contracts.job import JobState
from penstock.contracts.problem import Problem
from penstock.errors import BusUnavailable, Failure, Refused
from penstock.jetstream.bus import UNREACHABLE

log = logging.getLogger(__name__)

#: What is raised where NATS does not serve; asking again may help.
UNAVAILABLE = (BusUnavailable, APIError, *UNREACHABLE)


def problem_of(error: Exception) -> Problem:
    """A failure's own problem; `bus_unavailable` where NATS does not serve; else `internal_error`, for all to log."""
    if isinstance(error, Failure):
        return error.problem()
    if isinstance(error, UNAVAILABLE):
        log.warning("NATS did not serve a request: %r", error)
        return Refused("bus_unavailable", "NATS did not answer in time").problem()
    return Refused("internal_error", "the fault is logged").problem()


def known(job: str, state: JobState | None) -> JobState:
    """The state that was looked up. Raises Refused where there is no such job."""
    if state is None:
        raise Refused("unknown_job", f"no job {job[:100]!r}, or it is past its retention")
    return state
