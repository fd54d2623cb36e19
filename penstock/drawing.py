"""The drawing of a pattern, which its author has put above its code."""

import re
import textwrap

_LINE = re.compile("[\u2500-\u257f\u25b2-\u25c0]")  # box drawing, arrow heads
_ARROW = re.compile("->|\u2192|[\u2500-\u257f]+[\u25b6>]")


def drawn(docstring: str | None) -> str | None:
    """The lines of the first paragraph that has arrows; None where there is none."""
    for paragraph in re.split(r"\n\s*\n", docstring or ""):
        lines = [line for line in paragraph.splitlines() if line.strip()]
        if _ARROW.search(paragraph) and all(_LINE.search(line) or _ARROW.search(line) for line in lines):
            return textwrap.dedent("\n".join(line.rstrip() for line in lines))
    return None
