"""What a check found."""

from dataclasses import dataclass
from typing import Literal

Method = Literal["substitution", "recomputation", "numeric_sampling", "none"]


@dataclass(frozen=True)
class Verdict:
    """`valid` None: not decided. `confidence` is 0 then, 1 for exact reasoning, less for rounding and sampling."""

    valid: bool | None
    confidence: float
    method: Method
    evidence: str


def right(method: Method, evidence: str, *, confidence: float = 1.0) -> Verdict:
    return Verdict(True, confidence, method, evidence)


def wrong(method: Method, evidence: str, *, confidence: float = 1.0) -> Verdict:
    return Verdict(False, confidence, method, evidence)


def undecided(evidence: str, method: Method = "none") -> Verdict:
    return Verdict(None, 0.0, method, evidence)
