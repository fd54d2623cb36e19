"""A job in the terminal: its steps on top, the result below."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from penstock.cli.progress import Progress, StepRow
from penstock.client import describe
from penstock.contracts.usage import Usage

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_MARKS = {
    "completed": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("■", "yellow"),
    "retrying": ("↻", "yellow"),
    "queued": ("·", "dim"),
}


class Tail:
    """The last lines of something, as many as fit above the bottom of the terminal."""

    def __init__(self, inner: RenderableType, above: int) -> None:
        self._inner, self._above = inner, above

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._inner, options.update(height=None), pad=False)
        room = max(3, console.size.height - self._above)
        for line in lines[-room:]:
            yield from line
            yield Segment.line()


def whole(progress: Progress, names: tuple[str, ...] = ()) -> RenderableType:
    """The job as it is."""
    return Group(*_head(progress, progress.took or 0.0), Text(), *document(progress.value, names), *_foot(progress))


def live(progress: Progress, at: float, names: tuple[str, ...] = ()) -> RenderableType:
    """The job `at` seconds after its submission, no longer than the terminal: the end of the result is what is seen."""
    head = _head(progress, at)
    return Group(*head, Text(), Tail(Group(*document(progress.value, names)), above=len(progress.steps) + 4))


def document(value: Any, names: tuple[str, ...] = ()) -> Iterator[RenderableType]:
    """A JSON value for people; the members of the outermost object in the order of `names`."""
    if isinstance(value, dict):
        places = {name: place for place, name in enumerate(names)}
        for name in sorted(value, key=lambda one: places.get(one, len(places))) if names else value:
            yield from _member(name, value[name])
    elif isinstance(value, list):
        for element in value:
            row = Table.grid(padding=(0, 1))
            row.add_row(Text("•", style="dim"), Group(*document(element)))
            yield row
    else:
        yield Text(_scalar(value))


def _member(name: str, value: Any) -> Iterator[RenderableType]:
    title = Text(name, style="bold cyan")
    if isinstance(value, dict | list):
        yield title if value else title.append(" –", style="not bold dim")
        if value:
            yield Padding(Group(*document(value)), (0, 0, 0, 2))
    elif isinstance(value, str) and (len(value) > 60 or "\n" in value):
        yield title
        yield Padding(Text(value), (0, 0, 0, 2))
    else:
        yield title.append(f" {_scalar(value)}", style="not bold default")


def _scalar(value: Any) -> str:
    if value is None:
        return "–"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _head(progress: Progress, at: float) -> list[RenderableType]:
    seconds = at if progress.took is None else progress.took
    title = Text.assemble(_mark(progress.status, at), " ", (progress.pattern, "bold"), f"  {seconds:.1f} s", "  ")
    title.append(tokens(progress.usage) if progress.usage else progress.status, style="dim")
    if progress.job:
        title.append(f"  job {progress.job}", style="dim")
    steps = Table.grid(padding=(0, 2))
    for row in progress.steps.values():
        name = Text(row.key).append(f"  attempt {row.attempt}" if row.attempt > 1 else "", style="yellow")
        steps.add_row(
            Text.assemble("  ", _mark(row.status, at), " ", name),
            Text(row.model or "", style="dim"),
            Text(f"{max(0.0, at - row.began) if row.seconds is None else row.seconds:.1f} s", justify="right"),
            _how_much(row),
        )
    return [title, steps] if progress.steps else [title]


def _foot(progress: Progress) -> Iterator[RenderableType]:
    if progress.problem is not None:
        yield Text(describe(progress.problem), style="red")


def _how_much(row: StepRow) -> Text:
    if row.usage is None or not row.usage.calls:
        return Text(row.note or (f"{row.characters} characters" if row.characters else ""), style="dim")
    return Text(f"{tokens(row.usage)}  {row.note}".strip(), style="dim")


def tokens(usage: Usage) -> str:
    """Tokens in, out (thinking is billed as output), and money where it is known."""
    cost = f"  ${usage.cost_usd:.4f}" if usage.cost_usd is not None else ""
    return f"{usage.prompt_tokens} → {usage.output_tokens + usage.thinking_tokens} tokens{cost}"


def _mark(status: str, at: float) -> tuple[str, str]:
    return _MARKS.get(status) or (_FRAMES[int(at * 10) % len(_FRAMES)], "cyan")
