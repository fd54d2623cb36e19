"""What reviewers of code and who draws their reviews together reply."""

from typing import Any

from tests.support.pipeline import Pipeline

PATTERN = "parallel-processing"
CODE = "def find(db, name):\n    return db.execute(name)\n"
CLEAN: dict[str, dict[str, Any]] = {
    "security": {"vulnerabilities": [], "recommendations": []},
    "performance": {"issues": [], "optimizations": []},
    "maintainability": {"codeSmells": [], "suggestions": [], "complexity": "low"},
}
STEPS = {aspect: f"review-{aspect}" for aspect in CLEAN}


def request(code: str = CODE, **options: bool) -> dict[str, Any]:
    return {"code": code, "options": options}


def action(*ids: str, priority: str = "critical") -> dict[str, Any]:
    return {"action": "Mend it", "addresses": list(ids), "priority": priority, "effort": "low"}


def synthesis(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"json": {"summary": "It is as it is.", "prioritizedActions": list(actions)}}


def vulnerability(line: int | None, fragment: str | None, severity: str = "low") -> dict[str, Any]:
    place = {name: value for name, value in (("line", line), ("fragment", fragment)) if value is not None}
    return {**place, "type": "Injection", "description": "Any name is run.", "severity": severity}


async def reviewed(pipeline: Pipeline, reviews: dict[str, dict[str, Any]]) -> None:
    """What the reviewers say."""
    for aspect, review in reviews.items():
        await pipeline.gemini.rule(step=STEPS[aspect], reply={"json": review})
