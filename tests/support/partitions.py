"""What holds for jobs in one stream holds for jobs in four."""

import pytest

#: Runs a test in one partition and, among those that take longest, in several: tests/runs/test_partitions.py has what
#: is looked at each time.
in_partitions = pytest.mark.parametrize(
    "partitions", [1, pytest.param(4, marks=pytest.mark.long)], ids=lambda count: f"{count} partitions"
)
