"""The errors that several packages share, and the codes callers see. A package may have more of its own.

PenstockError
├── Failure                  ends a step, a job or a request; carries a code of penstock.contracts.error_codes
│   ├── Refused              a request is not served
│   ├── InvalidRequest       the request does not fit the pattern's model
│   ├── StepFailed           a step of the job failed for good
│   ├── WaitTimedOut         a signal did not come in time
│   ├── PatternFailure       raised by a pattern: budget_exhausted, ...
│   └── ModelFailure         a model refuses, and would refuse again
│       ├── OutputTruncated  the reply stopped at the output limit     (asked again, at most twice)
│       └── OutputInvalid    the reply does not fit its schema         (asked again, at most twice)
├── Transient                worth another delivery; may say after how long
│   └── ModelUnavailable     5xx, broken stream
│       ├── RateLimited      429
│       └── ModelSilent      time-out, broken connection: whether it has begun to answer is not known
├── PatternMistake           the code of a pattern is wrong: what, where, and what to do
├── Diverged                 the JSON text that is out contradicts what came later
├── Misconfigured            the settings or the server do not fit; raised at start
└── BusUnavailable           NATS did not take or answer within the time given
"""

from penstock.contracts.error_codes import CODES
from penstock.contracts.problem import FieldError, Problem


class PenstockError(Exception):
    """The root of the tree above."""


class Failure(PenstockError):
    """Ends a step, a job or a request for good, with a code from the catalogue (penstock.contracts.error_codes)."""

    def __init__(self, code: str, detail: str, *, step: str | None = None, errors: tuple[FieldError, ...] = ()) -> None:
        if code not in CODES:
            raise ValueError(f"unknown code {code!r}: add it to penstock.contracts.error_codes")
        super().__init__(detail)
        self.code, self.detail, self.step, self.errors = code, detail, step, errors

    def problem(self) -> Problem:
        """This failure as an RFC 9457 object."""
        known = CODES[self.code]
        return Problem(
            type=f"urn:penstock:{self.code}",
            title=known.title,
            status=known.status,
            code=self.code,
            detail=self.detail,
            step=self.step,
            errors=self.errors or None,
        )


class Refused(Failure):
    """A request is not served, and nothing came of it. Raised by whoever answers callers: gateway and NATS API."""


class InvalidRequest(Failure):
    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__("invalid_request", detail, errors=errors)


class StepFailed(Failure):
    """Raised by `run.step`; a pattern may catch it and go on without the step's output."""

    def __init__(self, problem: Problem) -> None:
        PenstockError.__init__(self, problem.detail)  # not Failure's: a newer worker may have codes not known here
        self.code, self.detail, self.step, self.errors = (
            problem.code,
            problem.detail,
            problem.step,
            problem.errors or (),
        )
        self._problem = problem

    def problem(self) -> Problem:
        return self._problem


class WaitTimedOut(Failure):
    """Raised by `run.wait`; a pattern may catch it and go on without an answer."""

    def __init__(self, detail: str, *, step: str | None = None) -> None:
        super().__init__("wait_timed_out", detail, step=step)


class PatternFailure(Failure):
    """For patterns to raise: the outcome is a typed failure, not an answer that only looks like one."""


class ModelFailure(Failure):
    """The model's own refusal, or a reply of no use."""


class OutputTruncated(ModelFailure):
    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__("output_truncated", detail, errors=errors)


class OutputInvalid(ModelFailure):
    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__("output_invalid", detail, errors=errors)


class Transient(PenstockError):
    """Another delivery may succeed. `retry_after`: seconds that the other side asked for, if it did."""

    def __init__(self, code: str, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.retry_after = code, detail, retry_after


class ModelUnavailable(Transient):
    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__("model_unavailable", detail, retry_after=retry_after)


class RateLimited(ModelUnavailable):
    """The model's provider takes no more calls for a while."""


class ModelSilent(ModelUnavailable):
    """It was asked, and nothing came: what it has cost is not known."""


class PatternMistake(PenstockError, ValueError):
    """The code of a pattern is wrong. The message says what, where in its file, and what to do."""


class Diverged(PenstockError):
    """The reader's JSON text cannot be corrected: close its connection. The job goes on."""


class Misconfigured(PenstockError):
    """The message says which setting, and what would fit."""


class BusUnavailable(PenstockError):
    """NATS did not answer in time; the message may be stored or not."""
