"""What holds for jobs in one stream holds for jobs in four."""

import pytest

#: Runs a test in one partition and in several.
in_partitions = pytest.mark.parametrize("partitions", [1, 4], ids=lambda count: f"{count} partitions")
