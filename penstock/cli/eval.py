"""`penstock eval`: put cases with a planted truth to the steps and patterns, and say how good the answers are."""

import asyncio
import tempfile
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from penstock.cli import git
from penstock.cli.errors import BadInput
from penstock.cli.printing import echo
from penstock.installed import require
from penstock.llm.access import access_of
from penstock.printable import printable
from penstock.settings import Settings

if TYPE_CHECKING:
    from penstock.evals.report import Report


def evaluated(
    folder: Annotated[Path, typer.Argument(help="Cases: *.yaml, as docs/quality.md describes them.")] = Path("evals"),
    only: Annotated[list[str] | None, typer.Option(help="Only this set; may be given again.")] = None,
    offline: Annotated[bool, typer.Option("--offline", metavar="", help="Recorded replies only.")] = False,
    simulator: Annotated[
        bool,
        typer.Option("--simulator", metavar="", help="The simulator answers: this tests measures, not prompts."),
    ] = False,
    baseline: Annotated[
        str | None, typer.Option(help="An earlier report (JSON), or a git revision that has --report committed.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="A model to say which answers are better than the baseline's, where sets ask it.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where to write the evidence, as JSON. Default: report.json in the folder.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="A page to write the figures to, between <!-- eval --> and <!-- /eval -->.")
    ] = None,
    recordings: Annotated[
        Path | None, typer.Option(help="Replies that were recorded. Default: recordings.jsonl in the folder.")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=64, help="Questions at once.")] = 8,
    max_cost: Annotated[
        float, typer.Option(min=0, help="US dollars at list price after which it stops; inf for no limit.")
    ] = 5.0,
    yes: Annotated[bool, typer.Option("--yes", metavar="", help="Do not ask before it costs money.")] = False,
) -> None:
    """Measure how good the answers are.

    With an API key or a base URL the model is asked what is not recorded yet, and its replies are recorded; without
    one, the recorded replies are measured again. A case whose prompt has changed is stale then. Exit status 1 where a
    case was stale or failed.
    """
    require("evals")  # and imported here: the other commands do without
    from penstock.evals import report as reports
    from penstock.evals.cases import load
    from penstock.evals.estimate import estimate, judging, unpriced
    from penstock.evals.evaluating import Source, compared, evaluate
    from penstock.evals.judge import refuse_own
    from penstock.evals.running import check
    from penstock.patterns.loading import load as load_patterns

    sets = {name: cases for name, cases in load(folder).items() if not only or name in only}
    for name in only or ():
        if name not in sets:
            raise BadInput(f"--only {name}: there is no such set in {folder}")
    patterns = load_patterns(Settings().patterns)
    check(sets, patterns)
    report = report or folder / "report.json"
    earlier = _baseline(baseline, report) if baseline else None
    has_model = access_of(Settings()) is not None
    if simulator and has_model:
        raise BadInput("--simulator: a model is set up; unset its key and base URL")
    source: Source = "simulator" if simulator else "model" if has_model and not offline else "recording"
    if earlier and earlier.simulated is not simulator:
        whose = ("the simulator", "a model")[:: 1 if earlier.simulated else -1]
        raise BadInput(f"--baseline {baseline}: {whose[0]} answered it, and {whose[1]} is to answer now")
    pairs = compared(sets, earlier) if earlier else {}
    if judge and not any(pairs.values()):
        raise BadInput(
            "--judge: there is no answer to compare: it needs a --baseline with answers of sets with `judged`"
        )
    answering = (*Settings().complex_models, *Settings().fast_models)
    if judge:
        refuse_own(judge, answering)
    questions = sum(len(cases.cases) * cases.times for cases in sets.values())
    console = Console(stderr=True)
    if source == "model":
        if max_cost < inf and (without := unpriced((*answering, *filter(None, (judge,))))):
            raise BadInput(f"--max-cost: there is no list price of {', '.join(without)}; --max-cost inf sets no limit")
        about = estimate(sets, patterns, Settings())
        judged = judging(pairs, earlier, judge) if earlier and judge else 0.0
        cost = "at a price that is not known" if about is None or judged is None else f"about US$ {about + judged:.2f}"
        asked = f"{questions} questions to the model" + (
            f" and {2 * sum(map(len, pairs.values()))} to {judge}" if judge else ""
        )
        if not yes:
            typer.confirm(f"{asked}, {cost} if none is recorded, US$ {max_cost:.2f} at most. Go on?", abort=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with tempfile.TemporaryDirectory(prefix="penstock-eval-") as data, Progress(*columns, console=console) as bar:
        task = bar.add_task(f"answers from the {source}", total=questions)
        found = asyncio.run(
            evaluate(
                sets,
                patterns,
                source=source,
                recordings=recordings or folder / "recordings.jsonl",
                data=Path(data),
                at_once=at_once,
                max_cost=max_cost if source == "model" else None,
                progress=lambda done, whole: bar.update(task, completed=done, total=whole),
                baseline=earlier,
                judge=judge,
            )
        )
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(found.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")
    text = reports.markdown(found, sets, earlier)
    if markdown:
        try:
            reports.write_between_marks(text, markdown)
        except (OSError, ValueError) as error:
            raise BadInput(f"--markdown {markdown}: {error}") from error
    terminal = Console()
    if terminal.is_terminal:
        terminal.print(Markdown(printable(text), hyperlinks=False))
    else:
        echo(text)
    if any(one.failures or (one.judged and one.judged.failures) for one in found.sets.values()):
        raise typer.Exit(1)


def _baseline(named: str, report: Path) -> "Report":
    """Raises BadInput where there is no such report."""
    from penstock.evals.report import Report

    try:
        content = Path(named).read_bytes() if Path(named).is_file() else git.shown(named, report)
        return Report.model_validate_json(content or b"")
    except (OSError, ValidationError) as error:
        raise BadInput(f"--baseline {named}: neither a report nor a revision with {report} in it") from error
