"""A growing result as lines of a log: when what came, and where it belongs."""

from rich.console import Console
from rich.text import Text

from penstock.contracts.events import (
    Delta,
    Event,
    PartEnd,
    PartReset,
    PartRetract,
    PartValue,
    StepRetrying,
    StepStarted,
)
from penstock.contracts.job import Snapshot

#: A part's pieces are gathered until there are this many characters.
_LINE = 64


class GrowthLog:
    """Prints to `console`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._waiting: dict[str, str] = {}

    def add(self, event: Event | Snapshot, at: float) -> None:
        match event:
            case StepStarted(k=key, a=attempt, model=model):
                again = f", attempt {attempt}" if attempt > 1 else ""
                self._print(at, key, f"began{again}" + (f" ({model})" if model else ""), "dim")
            case Delta(p=p, t=t):
                self._waiting[p] = self._waiting.get(p, "") + t
                if len(self._waiting[p]) >= _LINE:
                    self._flush(at, p)
            case PartEnd(p=p):
                self._flush(at, p)
            case PartValue(p=p, t=t):
                self._print(at, p, t)
            case PartReset(p=p) | PartRetract(p=p):
                self._print(at, p or "/", "taken back: it comes anew", "yellow")
            case StepRetrying(k=key, code=code):
                self._print(at, key, f"tried again: {code}", "yellow")

    def _flush(self, at: float, p: str) -> None:
        if text := self._waiting.pop(p, ""):
            self._print(at, p, text)

    def _print(self, at: float, what: str, text: str, style: str = "") -> None:
        self._console.print(Text(f"{at:6.2f} s  {what:<28} ").append(text, style=style), soft_wrap=True)
