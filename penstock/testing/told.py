"""What is wrong, for whoever reads the test's report."""

from typing import Any

from pydantic import ValidationError

from penstock.validation import field_errors, summary


class PatternTestFailed(AssertionError):
    """The pattern, or the script of its test, is not right. The message says what, and what to do."""


class NotSaid(PatternTestFailed):
    """The test does not say what is needed to go on."""


def unfit(error: ValidationError) -> str:
    """The first faults that pydantic found, in one line."""
    found: Any = error.errors(include_url=False, include_context=False)
    return summary(field_errors(found))
