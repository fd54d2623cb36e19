"""What can be set when a simulator is started."""

from dataclasses import dataclass, field

from simulator.pace import PACES, Pace

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one simulator; `build(Config())` gives one that answers without delay."""

    pace: Pace = field(default_factory=lambda: PACES["off"])
    models: tuple[str, ...] = ("gemini-3-pro", "gemini-3-flash", "gemini-2.5-pro", "gemini-2.5-flash")
    max_request_bytes: int = 8 * MEGABYTE
    kept_calls: int = 20_000
    kept_prompt_chars: int = 4_000
