"""A job as lines of a log: when what came, and where it belongs."""

from rich.console import Console
from rich.text import Text

from penstock.cli import view
from penstock.cli.progress import Progress
from penstock.contracts import events
from penstock.contracts.job import Snapshot
from penstock.document.pointer import is_at_or_below

#: A part's pieces are gathered until there are this many characters.
_LINE = 64


class Log:
    """Prints to `console`."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress = console, progress
        self._waiting: dict[str, str] = {}

    def add(self, event: events.Event | Snapshot) -> None:
        match event:
            case events.StepStarted(k=key, a=attempt):
                self._print(key, "started" if attempt == 1 else f"started, attempt {attempt}", "dim")
            case events.Delta(p=p, t=t):
                self._waiting[p] = self._waiting.get(p, "") + t
                if len(self._waiting[p]) >= _LINE:
                    self._flush(p)
            case events.PartEnd(p=p):
                self._flush(p)
            case events.PartValue(p=p, t=t):
                self._print(p, t)
            case events.PartReset(p=p) | events.PartRetract(p=p):
                self._waiting = {q: text for q, text in self._waiting.items() if not is_at_or_below(q, p)}
                self._print(p or "/", "discarded: it is written again", "yellow")
            case events.StepRetrying(k=key, code=code):
                self._print(key, f"retried: {code}", "yellow")
            case events.StepCompleted(key=key, model=model, usage=usage):
                self._print(key, f"completed  {view.tokens(usage)}  {model}" if model else "completed", "dim")

    def _flush(self, p: str) -> None:
        if text := self._waiting.pop(p, ""):
            self._print(p, text)

    def _print(self, what: str, text: str, style: str = "") -> None:
        line = Text(f"{self._progress.elapsed:6.2f} s  {what:<28} ").append(text, style=style)
        self._console.print(line, soft_wrap=not self._console.is_terminal)
