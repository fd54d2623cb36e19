"""Whom a model call is made for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallLabels:
    """Job id, step key and step name: all of them tokens, so they are safe in a header."""

    job: str
    key: str
    step: str

    def headers(self) -> dict[str, str]:
        return {"X-Penstock-Job": self.job, "X-Penstock-Key": self.key, "X-Penstock-Step": self.step}
