"""What editors and critics of translations reply, by what the score is to be."""

from typing import Any


def copy_review(score: float, feedback: str = "Sound.", *improvements: str, unsupported: str = "") -> dict[str, Any]:
    """Four equal scores of a copy; `unsupported` quotes a claim."""
    claims = [{"quote": unsupported, "reason": "The brief names no such thing."}] if unsupported else []
    scores = dict.fromkeys(("clarity", "persuasion", "emotion", "callToAction"), score)
    return {"unsupportedClaims": claims, "feedback": feedback, "improvements": list(improvements), **scores}


def error(
    severity: str = "major", category: str = "accuracy", quote: str = "version", to: str = "text"
) -> dict[str, Any]:
    return {"quote": quote, "correction": to, "category": category, "severity": severity}


def translation_review(*errors: dict[str, Any], feedback: str = "Sound.") -> dict[str, Any]:
    return {"errors": list(errors), "feedback": feedback}
