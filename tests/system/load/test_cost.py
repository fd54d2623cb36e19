"""What a job costs of CPU, beside a plain program with the stock SDK: a ratio of one run, never a time.

`make bench` measures the same and much more, for docs/performance.md.
"""

import pytest

from bench import candidates
from bench.callers import MIX, load

#: CPU of Penstock's processes together, to the plain program's. Ten rounds on two cores beside ten times the work that
#: they can do: 1.55 1.59 1.63 1.70 1.72 1.74 1.75 1.80 2.04 2.38. Other work only adds to it: the best of three counts.
MOST, ROUNDS = 2.2, 3
JOBS, AT_ONCE = 10, 10
#: Without the one whose tools begin processes, a second of CPU each, when they are first needed.
PATTERNS = [one for one in MIX if one[0] != "multi-step-tool-usage"]


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_job_costs_no_more_than_in_a_plain_program_but_for_a_known_factor() -> None:
    """Patterns in turn, by both, each of which streams to its caller what its steps write."""
    async with (
        candidates.model() as model,
        candidates.direct(str(model.url), "every") as direct,
        candidates.penstock(str(model.url), workers=1) as penstock,
    ):
        ratios = []
        for count in (len(PATTERNS), *[JOBS] * ROUNDS):  # the first few are no round
            plain, ours = [await load(one, AT_ONCE, PATTERNS, count=count) for one in (direct, penstock)]
            assert plain.failed == ours.failed == 0
            ratios.append(ours.all_cpu / plain.all_cpu)
    assert min(ratios[1:]) <= MOST, [f"{ratio:.2f}" for ratio in ratios]
