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


def check_first(transcript: Sequence[Turn]) -> Turn | None:
    """What a model that answers is asked for: a check, if none was tried yet, nor asked for."""
    tried = any(call.name == VALIDATE_ANSWER.name for turn in transcript for call in turn.calls)
    return None if tried or CHECK_FIRST in transcript else CHECK_FIRST


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
                in_problem=bool(statements) and not values and _stand_in(problem, statements),
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


def _stand_in(problem: str, statements: Sequence[str]) -> bool:
    """Word for word, and not as parts of something longer. White space may differ. Time grows with the lengths' sum."""
    places = [place for place, character in enumerate(problem) if not character.isspace()]
    squeezed = "".join([problem[place] for place in places])

    def stands(words: list[str]) -> bool:
        for found in re.finditer(re.escape("".join(words)), squeezed):
            start, end = places[found.start()], places[found.end() - 1] + 1
            part = TOKEN.findall(problem[start:end]) != words  # "1 2" is not "12"
            before = _GOES_ON_BEFORE.search(problem, max(0, start - 20), start)
            if not part and not before and not _GOES_ON.match(problem, end):
                return True
        return False

    return all(stands(TOKEN.findall(statement)) for statement in statements)
