"""What is wrong with a reply: shown to the model when it is asked again, and to the caller in the end."""

import json
from collections.abc import Sequence
from functools import reduce

from pydantic import ValidationError

from penstock.contracts.problem import FieldError
from penstock.contracts.turns import Turn
from penstock.document import join
from penstock.errors import OutputInvalid, OutputTruncated

_MAX_ERRORS = 20
_MAX_DETAIL = 300
#: Characters of a faulty reply that the model is shown again: its beginning and its end.
_MAX_HEAD, _MAX_TAIL = 16_000, 4_000


def faults_of(error: ValidationError | OutputInvalid | OutputTruncated) -> tuple[FieldError, ...]:
    """What is wrong with a reply: pointers into it, at most 20, each detail at most 300 characters."""
    if not isinstance(error, ValidationError):
        return (FieldError(pointer="", detail=error.detail[:_MAX_DETAIL]),)
    found = error.errors(include_url=False, include_context=False, include_input=False)[:_MAX_ERRORS]
    return tuple(
        FieldError(pointer=reduce(join, one["loc"], "")[:_MAX_DETAIL], detail=one["msg"][:_MAX_DETAIL]) for one in found
    )


def faults_by(check: Sequence[str]) -> tuple[FieldError, ...]:
    """What a step's own check finds wrong with a reply that fits its schema; at most as much of it."""
    return tuple(FieldError(pointer="", detail=sentence[:_MAX_DETAIL]) for sentence in check[:_MAX_ERRORS])


def described(fault: FieldError) -> str:
    return f"{fault.pointer}: {fault.detail}" if fault.pointer else fault.detail


def repair_turns(reply: str, faults: Sequence[FieldError], *, truncated: bool) -> tuple[Turn, ...]:
    """What to add to the prompt: the reply, shortened in its middle if it is long, and what was wrong with it."""
    if len(reply) > _MAX_HEAD + _MAX_TAIL:
        left_out = len(reply) - _MAX_HEAD - _MAX_TAIL
        reply = f"{reply[:_MAX_HEAD]}\n[{left_out} characters left out]\n{reply[-_MAX_TAIL:]}"
    if truncated:
        request = (
            "Your reply was cut off at the output limit. Answer the request again from the beginning, in the same "
            "form, complete and much shorter."
        )
    else:
        # the pointer may have a name of the model's: a string of JSON is no instruction (penstock.steps.prompts)
        told = (f"{json.dumps(fault.pointer)}: {fault.detail}" if fault.pointer else fault.detail for fault in faults)
        listed = "\n".join(f"- {sentence}" for sentence in told)
        request = (
            f"Your reply cannot be used:\n{listed}\n"
            "Answer the request again with a complete reply in the form asked for and nothing else."
        )
    return (*([Turn.of("model", reply)] if reply else []), Turn.of("user", request))
