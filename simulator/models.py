"""The models endpoint: what the simulator says of the models it plays."""

from __future__ import annotations

from typing import Any

METHODS = ["generateContent", "streamGenerateContent", "countTokens"]


def described(model: str) -> dict[str, Any]:
    """A model as Gemini describes one. Any name will do: the simulator plays what it is asked for."""
    return {
        "name": f"models/{model}",
        "version": "simulator",
        "displayName": f"{model} (simulated)",
        "description": "Plays the model offline; its answers are made up from the words of the prompt.",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": METHODS,
    }
