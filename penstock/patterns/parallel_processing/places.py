"""Lines of code by number, and whether a finding stands where it says."""

from collections.abc import Sequence
from itertools import islice

from penstock.patterns.parallel_processing.contract import Findings, Located, ReviewInput
from penstock.patterns.quoting import MOST, bare, folded, stands

_MARK = "| "
#: Characters a fragment must have, unless it is all of its line: a bracket stands anywhere.
_TELLING = 4


def numbered(code: str) -> str:
    """The code with its number before each line, from 1, as editors count them."""
    lines = code.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    return "\n".join(f"{number}{_MARK}{line}" for number, line in enumerate(lines, start=1))


def misplaced(given: ReviewInput, found: Findings) -> list[str]:
    """A sentence for each finding whose line does not have its fragment, however it is set (`folded`).

    A fragment of several lines stands in as many, from its line on.
    """
    lines = [folded(line.partition(_MARK)[2]) for line in given.numbered_code.split("\n")]
    faults = ((number, _fault(one, lines)) for number, one in enumerate(found.findings, start=1))
    return list(islice((f"Finding {number}: {fault}" for number, fault in faults if fault), MOST))


def _fault(place: Located, lines: Sequence[str]) -> str | None:
    line, copied = place.line, bare(place.fragment or "")
    fragment = folded(copied)
    if line is None and place.fragment is None:
        return None
    if line is None or not fragment:
        return "give both line and fragment, or neither."
    there = " ".join(filter(None, lines[line - 1 : line + copied.count("\n")])) if line > 0 else ""
    if not stands(fragment, there):
        where = islice((str(number) for number, text in enumerate(lines, start=1) if fragment in text), 5)
        if elsewhere := ", ".join(where):
            return f"its fragment does not stand in line {line}, but in {elsewhere}."
        return f"its fragment stands in no line of the code. Copy it from line {line}, or give neither."
    if len(fragment) < min(_TELLING, len(there)):
        return "its fragment is too short to show anything. Copy more of the line."
    return None
