"""What was promised of the cost, beside what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.ages import Ages
from bench.callers import Load
from bench.open_streams import LATE_MS
from bench.results import Results


@dataclass(frozen=True)
class Row:
    """A line of the table, as text. `met`: None where nothing was promised."""

    what: str
    penstock: str
    direct: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None


def rows(results: Results) -> Iterator[Row]:
    yield from _cpu({one.candidate: one for one in results.compared})
    for pace in sorted({one.pace for one in results.paced}):
        loads = {one.load.candidate: one.load for one in results.paced if one.pace == pace}
        yield from _times(f"×{pace} pace, {loads['penstock'].at_once} at once", loads["penstock"], loads["direct"])
    if results.own:
        own = results.own
        yield Row("own time of a step, p50", f"{own.p50:.1f} ms", target="≤ 3 ms", met=own.p50 <= 3)
    yield from _ages(results.ages)
    if results.streams:
        most, lost = results.streams.most, results.streams.lost
        known = results.streams.steps[-1].rate > most
        yield Row(
            "open streams of a gateway with nothing lost",
            f"{results.streams.streams:,}, {lost} lost",
            target="≥ 2,000",
            met=not lost and results.streams.streams >= 2000,
        )
        yield Row(
            "pieces a second of a gateway in time",
            f"{'' if known else '≥ '}{most:,.0f}",
            target="≥ 10,000",
            met=most >= 10_000,
        )
    if results.scaled:
        few, many = results.scaled[0], results.scaled[-1]
        gain = many.rate / few.rate
        what = f"jobs/s of {many.workers} workers to {few.workers}, where slots are short"
        yield Row(what, f"{gain:.2f} ×", target="≥ 3.6 ×", met=gain >= 3.6)
    if results.starting:
        for kind in ("gateway", "aggregator", "workers"):
            mb = results.starting.idle[kind]
            yield Row(f"idle memory: {kind}", f"{mb:.0f} MB", target="≤ 60 MB", met=mb <= 60)
        up, worker = results.starting.up, results.starting.worker
        yield Row("cold start of `penstock up`", f"{up:.1f} s", target="≤ 3 s", met=up <= 3)
        yield Row("cold start of a worker", f"{worker:.1f} s", target="≤ 1 s", met=worker <= 1)


def _cpu(compared: dict[str, Load]) -> Iterator[Row]:
    penstock, direct = compared["penstock"], compared["direct"]
    ratio = penstock.all_cpu / direct.all_cpu
    what = f"CPU a job of the mix, no delay, {penstock.at_once} at once"
    mine = f"{penstock.all_cpu:.0f} ms"
    yield Row(what, mine, target="≤ 45 ms", met=penstock.all_cpu <= 45)
    yield Row("the same, beside direct", mine, f"{direct.all_cpu:.0f} ms", f"{ratio:.2f}", "≤ 0.75", ratio <= 0.75)
    least = compared["direct, last step only"].all_cpu
    what = "the same, beside direct that streams the last step only"
    yield Row(what, mine, f"{least:.0f} ms", f"{penstock.all_cpu / least:.2f}")
    yield _more("jobs/s of it", penstock.rate, direct.rate)


def _times(what: str, penstock: Load, direct: Load) -> Iterator[Row]:
    yield _more(f"jobs/s, {what}", penstock.rate, direct.rate)
    for name, mine, other in (
        ("first text p50", penstock.first_p50, direct.first_p50),
        ("total p50", penstock.p50, direct.p50),
    ):
        ratio = mine / other
        # a twentieth for noise
        yield Row(f"{name}, {what}", f"{mine:.2f} s", f"{other:.2f} s", f"{ratio:.2f}", "no worse", ratio <= 1.05)


def _more(what: str, mine: float, other: float) -> Row:
    return Row(what, f"{mine:.1f}", f"{other:.1f}", f"{mine / other:.2f}")


def _ages(ages: list[Ages]) -> Iterator[Row]:
    fastest = max((one.rate for one in ages), default=0)
    at = {one.candidate: one for one in ages if one.rate == fastest}
    if len(at) == 2:
        mine, other = at["penstock"], at["direct"]
        for name, one, two, most in (("p50", mine.p50, other.p50, 2), ("p99", mine.p99, other.p99, 15)):
            what = f"age of a piece, {name}, more than direct's at {fastest:,.0f} a second"
            # where the plain program is late itself, the machine has no room for this rate
            met = one - two <= most if other.p99 <= LATE_MS else None
            yield Row(what, f"{one:.1f} ms", f"{two:.1f} ms", f"{one - two:+.1f} ms", f"≤ {most} ms", met)
