"""A job as lines of a log: when what came, and where it belongs."""

from rich.console import Console

from penstock.cli import view
from penstock.cli.progress import Progress
from penstock.cli.text import Text
from penstock.contracts import events
from penstock.contracts.job import Snapshot
from penstock.document.pointer import is_at_or_below

#: Characters of what a line is about: of a longer pointer or key the end. Then those of text, at least.
_WHAT, _LEAST = 20, 20


class Log:
    """Prints to `console`, in lines of its width; it is 80 where it is not a terminal."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress = console, progress
        self._waiting: dict[str, str] = {}
        self._room = max(_LEAST, console.width - len(self._head("")))

    def add(self, event: events.Event | Snapshot) -> None:
        match event:
            case events.StepQueued(key=key):
                self._print(key, self._progress.why_queued(event), "yellow")
            case events.StepStarted(k=key, a=attempt):
                self._print(key, "started" if attempt == 1 else f"started, attempt {attempt}", "dim")
            case events.Delta(p=p, t=t):
                text = self._waiting.get(p, "") + t
                while len(text) >= self._room:  # a part's pieces are gathered until they fill a line
                    self._print(p, text[: self._room])
                    text = text[self._room :]
                self._waiting[p] = text
            case events.PartEnd(p=p):
                if text := self._waiting.pop(p, ""):
                    self._print(p, text)
            case events.PartValue(p=p, t=t):
                self._print(p, t)
            case events.PartReset(p=p) | events.PartRetract(p=p):
                self._waiting = {q: text for q, text in self._waiting.items() if not is_at_or_below(q, p)}
                self._print(p or "/", "discarded: it is written again", "yellow")
            case events.StepRetrying(k=key, code=code):
                self._print(key, f"retried: {code}", "yellow")
            case events.JobWaiting(key=key, signal=signal, until=until):
                self._print(key, f"waits for {signal or 'that time'} until {view.when(until)}", "yellow")
            case events.JobResumed(key=key, timed_out=timed_out):
                self._print(key, "timed out" if timed_out else "goes on", "yellow")
            case events.StepCompleted(key=key, model=model, usage=usage, cached=cached):
                used = "cached" if cached else view.tokens(usage)
                self._print(key, f"completed  {used}  {model}" if model else "completed", "dim")

    def _print(self, what: str, text: str, style: str = "") -> None:
        for line in Text(text, style=style).wrap(self._console, self._room):
            self._console.print(Text(self._head(what)).append_text(line), soft_wrap=True)

    def _head(self, what: str) -> str:
        shown = what if len(what) <= _WHAT else "…" + what[1 - _WHAT :]
        return f"{self._progress.elapsed:6.2f} s  {shown:<{_WHAT}}  "
