"""`docs/patterns.md` tells of each pattern what its code says."""

import re
import sys
from typing import Any

import pytest

from penstock.contracts.error_codes import CODES, FAILURES
from penstock.contracts.options import Options
from penstock.pattern import Pattern
from penstock.patterns import PATTERNS
from tests.support.repository import ROOT

GUIDE = (ROOT / "docs" / "patterns.md").read_text()
COMMON, *SECTIONS = re.split(r"^## ", GUIDE, flags=re.MULTILINE)
ABOUT = dict(section.split("\n", 1) for section in SECTIONS)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_the_drawing_is_that_of_the_pattern_file(pattern: Pattern[Any, Any]) -> None:
    drawing = (sys.modules[pattern.run.__module__].__doc__ or "").split("\n\n", 1)[1].rstrip()
    assert f"```\n{drawing}\n```" in ABOUT[pattern.name]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_members_of_request_options_and_result_are_named_in_their_order(pattern: Pattern[Any, Any]) -> None:
    about = ABOUT[pattern.name]
    for row, model in (("request", pattern.request), ("result", pattern.result)):
        (line,) = re.findall(rf"^\| {row} \| (.*) \|$", about, re.MULTILINE)
        members = [field.alias or name for name, field in model.model_fields.items() if name != "options"]
        assert re.findall(r"`(\w+)", line) == members
    options = pattern.request.model_fields["options"].annotation
    assert options is not None
    own = options.model_fields.keys() - Options.model_fields.keys()
    assert all(f"`{options.model_fields[name].alias}`" in about for name in own)


def test_common_options_and_codes_are_those_that_there_are() -> None:
    assert re.findall(r"^\| `(\w+)` \|", COMMON, re.MULTILINE) == [
        field.alias or name for name, field in Options.model_fields.items()
    ]
    codes = {word for word in re.findall(r"`([a-z_]+)`", GUIDE) if "_" in word or word in CODES}
    assert codes <= set(CODES), codes - set(CODES)
    ours = {"abandoned", "pattern_error", "replay_mismatch", "step_error", "tool_unavailable"}
    assert set(FAILURES) - codes <= ours, "a code that a caller may meet is not mentioned"
