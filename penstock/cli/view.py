"""A job in the terminal: its steps on top, the result below."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.segment import SegmentLines
from rich.table import Table

from penstock.cli.progress import Progress
from penstock.cli.text import Text
from penstock.contracts.usage import Usage

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_MARKS = {
    "completed": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("■", "yellow"),
    "retrying": ("↻", "yellow"),
    "queued": ("·", "dim"),
}


def complete(progress: Progress) -> RenderableType:
    """The job with all of its result, or its problem."""
    problem = [Text(str(progress.problem), style="red")] if progress.problem else []
    return Group(*_head(progress), Text(), *_result(progress), *problem)


def live(progress: Progress, console: Console) -> RenderableType:
    """The job as it is now, no longer than the terminal: the end of the result is what is seen."""
    lines = console.render_lines(Group(*_result(progress)), pad=False)
    room = max(3, console.height - len(progress.steps) - 2 * len(progress.waiting) - 5)
    return Group(*_head(progress), Text(), SegmentLines(lines[-room:], new_lines=True))


def when(time: datetime) -> str:
    """Date and time where the user is."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def mark(status: str) -> tuple[str, str]:
    """A sign, which moves while it goes on, and its colour."""
    frame = int(datetime.now().timestamp() * 10) % len(_FRAMES)
    return _MARKS.get(status) or (_FRAMES[frame], "cyan")


def tokens(usage: Usage) -> str:
    """Tokens in, out (thinking is billed as output), and money where it is known."""
    cost = f"  ${usage.cost_usd:.4f}" if usage.cost_usd is not None else ""
    return f"{usage.prompt_tokens} → {usage.output_tokens + usage.thinking_tokens} tokens{cost}"


def _result(progress: Progress) -> Iterator[RenderableType]:
    """Its members in the order of the pattern's model."""
    value = progress.document.value
    if isinstance(value, dict):
        value = {name: value[name] for name in (*progress.shape.names, *value) if name in value}
    return document(value)


def document(value: Any) -> Iterator[RenderableType]:
    """A JSON value for people."""
    if isinstance(value, list):
        for element in value:
            row = Table.grid(padding=(0, 1))
            row.add_row(Text("•", style="dim"), Group(*document(element)))
            yield row
    elif isinstance(value, dict):
        for name, member in value.items():
            title = Text(name, style="bold cyan")
            text = "" if isinstance(member, dict | list) else _scalar(member)
            if member and (not text or len(text) > 60 or "\n" in text):
                yield title
                yield Padding(Group(*document(member)), (0, 0, 0, 2))
            else:
                yield title.append(f" {text or '–'}", style="not bold default")
    else:
        yield Text(_scalar(value))


def _scalar(value: Any) -> str:
    if value is None:
        return "–"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _head(progress: Progress) -> Iterator[RenderableType]:
    title = Text.assemble(mark(progress.status), " ", (progress.pattern, "bold"), f"  {progress.elapsed:.1f} s  ")
    yield title.append(tokens(progress.usage) if progress.usage else progress.status, style="dim")
    if progress.job:
        yield Text(f"  job {progress.job}  {when(progress.submitted)}", style="dim")
    steps = Table.grid(padding=(0, 2))
    for row in progress.steps.values():
        name = Text(row.key).append(f"  attempt {row.attempt}" if row.attempt > 1 else "", style="yellow")
        seconds = max(0.0, progress.elapsed - row.began) if row.seconds is None else row.seconds
        used = tokens(row.usage) if row.usage and row.usage.calls else "cached" if row.cached else ""
        amount = f"{used}  {row.note}".strip() or (f"{row.characters} characters" if row.characters else "")
        steps.add_row(
            Text.assemble("  ", mark(row.status), " ", name),
            Text(" ".join(filter(None, (row.model, row.prompt))), style="dim"),
            Text(f"{seconds:.1f} s", justify="right"),
            Text(amount, style="dim"),
        )
    if progress.steps:
        yield steps
    for one in progress.waiting.values():
        waits = f"waits for {one.signal}, until {when(one.until)}" if one.signal else f"sleeps until {when(one.until)}"
        yield Text(f"  ⏸ {waits}", style="yellow")
        if one.signal:
            yield Text(f"    penstock jobs signal {progress.job} {one.signal} --data <json>", style="dim")
