"""docs/performance.md and its plots, from what `make bench` measured: no figure in them is typed by hand.

python -m bench.report [--data data/bench.json] [--docs docs]
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.callers import Load
from bench.open_streams import LATE_MS, OpenStreams
from bench.plot import lines
from bench.results import Results
from bench.targets import Row, rows
from penstock.simulator.__main__ import PACES

#: In place of what a run did not come to.
NOTHING = "Not measured in this run."
PAGE = Path(__file__).with_name("page.md")


def page(results: Results) -> str:
    """The whole page. Of a run that was not whole it says what there is."""
    compared = results.compared
    natural = PACES["natural"]
    return PAGE.read_text(encoding="utf-8").format(
        summary=_table(("what", "penstock", "direct", "ratio", "target", ""), (_summary(row) for row in rows(results))),
        busy=_busy(results),
        unpaced=_table(
            ("at once", "candidate", "jobs/s", "p50", "p99", "first text p50", "CPU a job", "failed"),
            ((f"{one.at_once}", *_load(one)) for one in results.unpaced),
        ),
        ttft=natural.ttft,
        tokens=natural.tokens_per_second,
        paced_at_once=results.paced[0].load.at_once if results.paced else 0,
        paced=_table(
            ("pace", "candidate", "jobs/s", "p50", "p99", "first text p50", "CPU a job", "failed"),
            ((f"×{one.pace}", *_load(one.load)) for one in results.paced),
        ),
        at_once=compared[0].at_once,
        rounds=results.rounds,
        cpu=_cpu(compared),
        ages=_table(
            ("candidate", "pieces a second", "streams", "age p50", "age p99", "lost"),
            (
                (
                    one.candidate,
                    f"{one.rate:,.0f}",
                    f"{one.streams}",
                    f"{one.p50:.1f} ms",
                    f"{one.p99:.1f} ms",
                    f"{one.lost}",
                )
                for one in results.ages
            ),
        ),
        streams=_streams(results.streams),
        slots=results.scaled[0].slots if results.scaled else 0,
        scaled=_table(("workers", "jobs/s"), ((f"{one.workers}", f"{one.rate:.1f}") for one in results.scaled)),
        grown=_table(
            ("candidate", "steps", "input", "seconds", "CPU a step", "failed"),
            (
                (
                    one.candidate,
                    f"{one.tasks:,}",
                    f"{one.bytes:,} bytes",
                    f"{one.seconds:.2f}",
                    f"{one.cpu / one.tasks:.1f} ms",
                    f"{one.failed}",
                )
                for one in results.grown
            ),
        ),
        machine=_machine(results),
        command=results.command,
        minutes=results.seconds / 60,
    )


def plots(results: Results) -> dict[str, str]:
    """SVG by the name of the file."""
    places = sorted({one.at_once for one in results.unpaced})
    by_name: dict[str, dict[int, Load]] = {}
    for one in results.unpaced:
        by_name.setdefault(one.candidate, {})[one.at_once] = one
    rates = {name: [loads[place].rate for place in places] for name, loads in by_name.items()}
    slow = {name: [loads[place].p99 for place in places] for name, loads in by_name.items()}
    return {
        "jobs-a-second.svg": lines("Jobs a second, no model delay", "jobs at once", "jobs/s", places, rates, log=False),
        "p99.svg": lines(
            "99th percentile of a job's time, no model delay", "jobs at once", "s", places, slow, log=True
        ),
    }


def _streams(found: OpenStreams | None) -> str:
    if found is None:
        return NOTHING
    return (
        f"One gateway, {found.streams:,} open streams of {found.jobs} running jobs: {found.lost} pieces lost; "
        f"{found.kilobytes_a_stream:.0f} kB of memory a stream. Pieces count as late when the 99th percentile of their "
        f"age passes {LATE_MS} ms; then no higher rate is tried.\n\n"
    ) + _table(
        ("pieces a second", "age p50", "age p99"),
        ((f"{one.rate:,.0f}", f"{one.p50:.1f} ms", f"{one.p99:.1f} ms") for one in found.steps),
    )


def _summary(row: Row) -> Sequence[str]:
    met = "" if row.met is None else "met" if row.met else "**not met**"
    return row.what, row.penstock, row.direct, row.ratio, row.target, met


def _load(one: Load) -> Sequence[str]:
    return (
        one.candidate,
        f"{one.rate:.1f}",
        f"{one.p50:.2f} s",
        f"{one.p99:.2f} s",
        f"{one.first_p50:.2f} s",
        f"{one.all_cpu:.0f} ms",
        f"{one.failed}",
    )


def _cpu(compared: Sequence[Load]) -> str:
    kinds = list(dict.fromkeys(kind for one in compared for kind in one.cpu))
    cells = ((kind, *(f"{one.cpu[kind]:.1f}" if kind in one.cpu else "" for one in compared)) for kind in kinds)
    whole = ("**all**", *(f"**{one.all_cpu:.1f}**" for one in compared))
    return _table(("process", *(one.candidate for one in compared)), [*cells, whole])


def _busy(results: Results) -> str:
    machine = results.machine
    if machine.load_before < machine.cores / 2:
        return ""
    return (
        f"> Other programs kept this machine busy: {machine.load_before:.0f} processes wanted to run on its "
        f"{machine.cores} cores when the run began. Times are then several times what they are on a quiet machine, and "
        "CPU is more, most of all where many processes wake each other; and who has more processes gets more of the "
        "machine. Such a run shows that everything works, and no more.\n\n"
    )


def _machine(results: Results) -> str:
    machine = results.machine
    return _table(
        ("", ""),
        (
            ("cores", f"{machine.cores}"),
            ("processor", machine.processor),
            ("memory", f"{machine.memory_gb:.0f} GB"),
            ("system", machine.system),
            ("Python", machine.python),
            ("nats-server", machine.nats_server),
            ("google-genai", machine.google_genai),
            ("load before the run", f"{machine.load_before:.1f}"),
            ("run", f"{machine.began:%Y-%m-%d %H:%M} UTC"),
        ),
    )


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *body]
    if len(rows) == 2:
        return NOTHING
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("data/bench.json"))
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    options = parser.parse_args()
    results = Results.model_validate_json(options.data.read_text())
    images = options.docs / "images"
    images.mkdir(exist_ok=True)
    for name, svg in plots(results).items():
        (images / name).write_text(svg)
    (options.docs / "performance.md").write_text(page(results))


if __name__ == "__main__":
    main()
