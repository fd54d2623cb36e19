"""Plans and task outputs as a model gives them."""

from typing import Any


def task(id: str, *needs: str, type: str = "backend") -> dict[str, Any]:
    return {
        "id": id,
        "title": f"Make {id}",
        "description": f"Make {id} well",
        "dependencies": list(needs),
        "estimatedHours": 4,
        "maximumHours": 9,
        "priority": "medium",
        "type": type,
    }


def plan(*tasks: dict[str, Any], interfaces: dict[str, str] | None = None) -> dict[str, Any]:
    shared = [{"name": name, "definition": definition} for name, definition in (interfaces or {}).items()]
    return {"json": {"tasks": list(tasks), "interfaces": shared, "timeline": "Two days.", "risks": []}}


def output(text: str = "done", *blockers: str, status: str = "completed") -> dict[str, Any]:
    return {"json": {"status": status, "output": text, "nextSteps": [], "blockers": list(blockers)}}
