"""Every error Penstock raises on purpose, and the stable codes callers see.

    PenstockError
    ├── Failure                  ends a step or a job; carries a stable code (see CODES)
    │   ├── InvalidRequest       the request does not fit the pattern's model
    │   ├── StepFailed           a step of the job failed for good
    │   ├── PatternFailure       raised by a pattern: invalid_plan, budget_exhausted, ...
    │   ├── ReplayMismatch       the journal holds another step than the pattern asks for
    │   └── ModelFailure         a model said no in a way that asking again does not change
    │       ├── OutputTruncated  the reply stopped at the output limit     (asked again, at most twice)
    │       └── OutputInvalid    the reply does not fit its schema         (asked again, at most twice)
    ├── Transient                worth another delivery; may say after how long
    │   ├── ModelUnavailable     429, 5xx, time-out, broken stream
    │   └── ToolUnavailable      the tool itself is broken, not what it was asked
    ├── Diverged                 the JSON text that is out contradicts what came later
    ├── Misconfigured            the settings or the server do not fit; raised at start
    └── BusUnavailable           NATS did not take or answer within the time given

Codes are API, texts are not.
"""

from http import HTTPStatus

from penstock.contracts.problem import FieldError, Problem

#: code -> (HTTP status, title). The table is documented in docs/errors.md.
CODES: dict[str, tuple[int, str]] = {
    "invalid_request": (422, "The request does not fit the pattern"),
    "unknown_pattern": (404, "There is no such pattern"),
    "job_id_taken": (422, "The job id belongs to another request"),
    "deadline_exceeded": (504, "The job did not finish before its deadline"),
    "replay_mismatch": (500, "The journal does not fit the pattern's code"),
    "pattern_error": (500, "The pattern itself failed"),
    "invalid_plan": (502, "The planner gave no plan that can be carried out"),
    "budget_exhausted": (502, "The budget of turns was spent without an answer"),
    "poisoned": (502, "The message was given up after too many deliveries"),
    "step_error": (500, "The step's own code failed"),
    "input_too_large": (413, "The step's input does not fit into a message"),
    "output_too_large": (502, "The step's output does not fit into a message"),
    "tool_unavailable": (503, "The tool did not work"),
    "model_unavailable": (503, "The model was not available"),
    "model_rejected": (502, "The model refused the request as malformed"),
    "model_unauthorized": (502, "The model refused our credentials"),
    "model_not_found": (502, "The model does not exist"),
    "model_blocked": (502, "The model blocked the content for safety"),
    "output_truncated": (502, "The model's reply was cut off"),
    "output_invalid": (502, "The model's reply does not fit its schema"),
}


class PenstockError(Exception):
    """The root of the tree above."""


class Failure(PenstockError):
    """Ends a step or a job for good, with a code from CODES."""

    def __init__(self, code: str, detail: str, *, step: str | None = None, errors: tuple[FieldError, ...] = ()) -> None:
        if code not in CODES:
            raise ValueError(f"unknown failure code {code!r}: add it to penstock.errors.CODES")
        super().__init__(detail)
        self.code, self.detail, self.step, self.errors = code, detail, step, errors

    def problem(self) -> Problem:
        """This failure as an RFC 9457 object."""
        status, title = CODES[self.code]
        return Problem(
            type=f"urn:penstock:{self.code}",
            title=title,
            status=HTTPStatus(status).value,
            code=self.code,
            detail=self.detail,
            step=self.step,
            errors=self.errors or None,
        )


class InvalidRequest(Failure):
    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__("invalid_request", detail, errors=errors)


class StepFailed(Failure):
    """Raised by `run.step`; a pattern may catch it and go on without the step's output."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code, problem.detail, step=problem.step, errors=problem.errors or ())


class PatternFailure(Failure):
    """For patterns to raise: the outcome is a typed failure, not an answer that only looks like one."""


class ReplayMismatch(Failure):
    def __init__(self, detail: str) -> None:
        super().__init__("replay_mismatch", detail)


class ModelFailure(Failure):
    """The model's refusal. Its code says which."""


class OutputTruncated(ModelFailure):
    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__("output_truncated", detail, errors=errors)


class OutputInvalid(ModelFailure):
    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__("output_invalid", detail, errors=errors)


class Transient(PenstockError):
    """Another delivery may succeed. `retry_after`: seconds asked for by the other side, if it said so."""

    def __init__(self, code: str, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.code, self.detail, self.retry_after = code, detail, retry_after


class ModelUnavailable(Transient):
    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__("model_unavailable", detail, retry_after=retry_after)


class ToolUnavailable(Transient):
    def __init__(self, detail: str) -> None:
        super().__init__("tool_unavailable", detail)


class Diverged(PenstockError):
    """Cut the connection of the reader concerned: its text cannot be made right. The job goes on."""


class Misconfigured(PenstockError):
    """The message says which setting, and what would fit."""


class BusUnavailable(PenstockError):
    """NATS did not answer in time; nothing can be said about whether the message was stored."""
