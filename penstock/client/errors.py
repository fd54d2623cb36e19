"""What a client raises.

PenstockError
└── ClientError
    ├── JobFailedError      the job ended failed; `problem` says why, with a stable code
    ├── JobCancelledError   somebody cancelled the job
    ├── RequestRefused      the request was not accepted; `problem` names the fields
    ├── UnknownJob          there is no such job, or it is past its retention
    └── Unreachable         nobody answered within the client's patience
"""

from penstock.contracts.problem import Problem
from penstock.errors import PenstockError


class ClientError(PenstockError):
    """The root of the tree above."""


class JobFailedError(ClientError):
    """`job` ended failed. `problem.code` is stable; `problem.step` is the key of the step that failed, if one did."""

    def __init__(self, job: str, problem: Problem) -> None:
        super().__init__(f"job {job} failed: {problem}")
        self.job, self.problem = job, problem


class JobCancelledError(ClientError):
    """`job` was cancelled before it was done."""

    def __init__(self, job: str) -> None:
        super().__init__(f"job {job} was cancelled")
        self.job = job


class RequestRefused(ClientError):
    """Nothing was submitted, and asking again with the same request will not help."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class UnknownJob(ClientError):
    def __init__(self, job: str) -> None:
        super().__init__(f"there is no job {job!r}, or it is past its retention")
        self.job = job


class Unreachable(ClientError):
    """The other side did not answer in time. What was asked may have been done or not."""
