"""The chunks of the AI SDK that the gateway sends, with the fields that all versions since 5.0.0 allow.

Read off `uiMessageChunkSchema` of the packages ai 5.0.0, 6.0.0, 7.0.0 (strict) and 7.0.173 (loose).
"""

from typing import Any

#: type -> (required, optional)
_FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "start": (set(), {"messageId", "messageMetadata"}),
    "start-step": (set(), set()),
    "finish-step": (set(), set()),
    "finish": (set(), {"messageMetadata"}),
    "abort": (set(), set()),
    "error": ({"errorText"}, set()),
    "tool-input-available": ({"toolCallId", "toolName", "input"}, {"providerExecuted", "providerMetadata", "dynamic"}),
    "tool-output-available": ({"toolCallId", "output"}, {"providerExecuted", "dynamic"}),
    "tool-output-error": ({"toolCallId", "errorText"}, {"providerExecuted", "dynamic"}),
    "data-step": ({"data"}, {"id", "transient"}),
    "data-result": ({"data"}, {"id", "transient"}),
}


def check(chunks: list[dict[str, Any]]) -> None:
    """Each chunk has its type's fields, and nothing answers a tool call that was not made."""
    called: set[str] = set()
    for chunk in chunks:
        required, optional = _FIELDS[chunk["type"]]
        fields = chunk.keys() - {"type"}
        assert required <= fields, chunk
        assert fields <= required | optional, chunk
        if chunk["type"] == "tool-input-available":
            called.add(chunk["toolCallId"])
        elif chunk["type"].startswith("tool-output"):
            called.remove(chunk["toolCallId"])
    assert not called, f"without an answer: {called}"
