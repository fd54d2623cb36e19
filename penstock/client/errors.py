"""What a client raises.

PenstockError
└── ClientError
    ├── JobFailedError      the job ended failed; `problem` says why, with a stable code
    ├── JobCancelledError   somebody cancelled the job
    ├── RequestRefused      the request was not accepted; `problem` names the fields
    ├── UnknownJob          there is no such job, or it is past its retention
    └── Unreachable         nobody answered within the client's patience, or the client was closed
"""

from collections.abc import Iterator
from contextlib import contextmanager

from penstock.contracts.problem import Problem
from penstock.errors import BusUnavailable, InvalidRequest, PenstockError


class ClientError(PenstockError):
    """The root of the tree above. `args` are what it is made from, so that any of them can be pickled and copied."""


class JobFailedError(ClientError):
    """`job` ended failed. `problem.code` is stable; `problem.step` is the key of the step that failed, if one did."""

    def __init__(self, job: str, problem: Problem) -> None:
        super().__init__(job, problem)
        self.job, self.problem = job, problem

    def __str__(self) -> str:
        return f"job {self.job} failed: {self.problem}"


class JobCancelledError(ClientError):
    """`job` was cancelled before it was done."""

    def __init__(self, job: str) -> None:
        super().__init__(job)
        self.job = job

    def __str__(self) -> str:
        return f"job {self.job} was cancelled"


class RequestRefused(ClientError):
    """Nothing was submitted, and asking again with the same request will not help."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    @classmethod
    def invalid(cls, detail: str) -> "RequestRefused":
        """For what is known to be wrong before anybody is asked."""
        return cls(InvalidRequest(detail).problem())


class UnknownJob(ClientError):
    def __init__(self, job: str) -> None:
        super().__init__(job)
        self.job = job

    def __str__(self) -> str:
        return f"there is no job {self.job!r}, or it is past its retention"


class Unreachable(ClientError):
    """The other side did not answer in time, or the client was closed. What was asked may have been done or not."""


@contextmanager
def in_time(what: str) -> Iterator[None]:
    """Raise Unreachable, with `what` was being done, where NATS does not answer."""
    try:
        yield
    except BusUnavailable as error:
        raise Unreachable(f"{what}: {error}") from error
