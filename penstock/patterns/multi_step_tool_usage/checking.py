"""What was checked by code, and whether the final answer is what was checked. Words are compared, never believed."""

import re
from collections.abc import Sequence

from penstock.contracts.turns import ToolResult, Turn
from penstock.patterns.multi_step_tool_usage.contract import Checked, Verification
from penstock.patterns.multi_step_tool_usage.same_answer import TOKEN, is_the_same
from penstock.tools.validate_answer import VALIDATE_ANSWER, ValidateAnswerInput

#: Asked of a model that answers unchecked, once.
CHECK_FIRST = Turn.of(
    "user",
    f"You have not checked your answer. Call {VALIDATE_ANSWER.name} with it now. If nothing can check an answer of its "
    "kind, say so and give it again.",
)
#: A statement is a part of a longer one if this stands around it.
_GOES_ON_BEFORE = re.compile(r"[\w.,]$|[-+*/^=<>(\[%]\s*$")
_GOES_ON = re.compile(r"\w|[.,]\d|\s*[-+*/^=<>()\[\]%!]")


def to_be_checked(transcript: Sequence[Turn]) -> bool:
    """Whether no check was tried yet, nor asked for."""
    tried = any(call.name == VALIDATE_ANSWER.name for turn in transcript for call in turn.calls)
    return not tried and CHECK_FIRST not in transcript


def last_check(problem: str, transcript: Sequence[Turn]) -> Checked | None:
    """The last check that was made. A call that failed, or whose arguments do not fit, made none."""
    calls = [call for turn in transcript for call in turn.calls]
    results = [part for turn in transcript for part in turn.parts if isinstance(part, ToolResult)]
    for step in range(len(results), 0, -1):
        call, output = calls[step - 1], results[step - 1].output
        if call.name == VALIDATE_ANSWER.name and "verdict" in output:
            given = ValidateAnswerInput.model_validate(call.args)
            statements = [text for text in (given.expression, *given.equations) if text.strip()]
            values = ", ".join(f"{name} = {value}" for name, value in given.variables.items())
            return Checked(
                step=step,
                statement="; ".join(statements) + (f", where {values}" if values else ""),
                in_problem=bool(statements) and not values and all(_stands_in(problem, one) for one in statements),
                answer=given.proposed_answer,
                verdict=output["verdict"],
                confidence=output["confidence"],
            )
    return None


def verification_of(answer: str, checked: Checked | None) -> Verification:
    """What the last check says about the final answer."""
    same = checked is not None and is_the_same(answer, checked.answer)
    sure = checked is not None and checked.verdict == "valid" and checked.confidence > 0.5
    return Verification(answer_checked=same, verified=same and sure)


def _stands_in(problem: str, statement: str) -> bool:
    """Word for word, and not as a part of something longer. White space may differ."""
    pattern = r"\s*".join(map(re.escape, TOKEN.findall(statement)))
    return any(
        not _GOES_ON_BEFORE.search(problem, max(0, found.start() - 20), found.start())
        and not _GOES_ON.match(problem, found.end())
        for found in re.finditer(pattern, problem)
    )
