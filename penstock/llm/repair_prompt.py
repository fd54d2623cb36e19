"""What is wrong with a reply: shown to the model when it is asked again, and to the caller in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pydantic import ValidationError

from penstock.contracts.problem import FieldError
from penstock.contracts.turns import Turn
from penstock.document import join
from penstock.errors import OutputInvalid, OutputTruncated

_MAX_ERRORS = 20
_MAX_DETAIL = 200
#: Characters of a faulty reply that the model is shown again: its beginning and its end.
_MAX_HEAD, _MAX_TAIL = 16_000, 4_000


@dataclass(frozen=True, slots=True)
class RepairPrompt:
    """`errors`: pointers into the reply, at most 20, each detail at most 200 characters."""

    errors: tuple[FieldError, ...]
    truncated: bool = False

    def turns(self, reply: str) -> tuple[Turn, ...]:
        """What to add to the prompt: the reply, shortened in its middle if it is long, and what was wrong with it."""
        if len(reply) > _MAX_HEAD + _MAX_TAIL:
            left_out = len(reply) - _MAX_HEAD - _MAX_TAIL
            reply = f"{reply[:_MAX_HEAD]}\n[{left_out} characters left out]\n{reply[-_MAX_TAIL:]}"
        return (*([Turn.model(reply)] if reply else []), Turn.user(self._request))

    @property
    def _request(self) -> str:
        if self.truncated:
            return (
                "Your reply was cut off at the output limit. Answer the request again from the beginning, in the same "
                "form, complete and much shorter."
            )
        faults = "\n".join(f"- {_described(error)}" for error in self.errors)
        return (
            f"Your reply cannot be used:\n{faults}\n"
            "Answer the request again with a complete reply in the form asked for and nothing else."
        )

    def failure(self, replies: int) -> OutputInvalid | OutputTruncated:
        """What is raised after so many replies."""
        detail = f"none of {replies} replies was usable; the last: {'; '.join(map(_described, self.errors))}"
        failure = OutputTruncated(detail) if self.truncated else OutputInvalid(detail)
        failure.errors = self.errors
        return failure


def repair_prompt_for(error: ValidationError | OutputInvalid | OutputTruncated) -> RepairPrompt:
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return RepairPrompt(tuple(_field_error(one["loc"], one["msg"]) for one in found[:_MAX_ERRORS]))
    return RepairPrompt((_field_error((), error.detail),), truncated=isinstance(error, OutputTruncated))


def _field_error(place: Sequence[int | str], detail: str) -> FieldError:
    return FieldError(pointer=reduce(join, place, "")[:_MAX_DETAIL], detail=detail[:_MAX_DETAIL])


def _described(error: FieldError) -> str:
    return f"{error.pointer}: {error.detail}" if error.pointer else error.detail
