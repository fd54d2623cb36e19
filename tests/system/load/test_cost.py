"""A job costs little more CPU than in the plain program with the stock SDK: a ratio of one run, never a time.

`make bench` measures the same and much more, for docs/performance.md.
"""

from collections import Counter

from bench import candidates
from bench.callers import load

#: CPU of Penstock's processes together, to the plain program's. bench/README.md has what was measured when it was set.
MOST = 2.6
JOBS, AT_ONCE, ROUNDS = 18, 12, 3


async def test_a_job_costs_no_more_than_in_a_plain_program_by_a_known_factor() -> None:
    """The mix of the six patterns, in turn by both, each of which streams every step to its caller."""
    async with (
        candidates.model() as model,
        candidates.direct(str(model.url), "every") as direct,
        candidates.penstock(str(model.url), workers=1) as penstock,
    ):
        spent = Counter[str]()
        for number in range(1 + ROUNDS):
            for one in (direct, penstock):
                measured = await load(one, AT_ONCE, count=JOBS)
                assert measured.failed == 0
                if number:  # the first jobs start the tools' sandboxes
                    spent[one.name] += round(measured.all_cpu)
    ratio = spent["penstock"] / spent["direct"]
    print(f"CPU a job: {ratio:.2f} times the plain program's")
    assert ratio <= MOST
