"""What a tool of an MCP server answers, as a model is shown it."""

from typing import TYPE_CHECKING, Any

from pydantic import JsonValue
from pydantic_core import to_json

from penstock.contracts.wire import Wire, omitted

if TYPE_CHECKING:
    from mcp.types import CallToolResult

#: Characters; what is beyond them is left out, and said to be.
MAX_CHARACTERS = 20_000


class McpCall(Wire):
    """`tool` without the server's name. The server checks the arguments itself."""

    tool: str
    arguments: dict[str, JsonValue]


class McpAnswer(Wire):
    output: JsonValue = omitted()
    error: str | None = omitted()

    @property
    def text(self) -> str:
        if self.error is not None:
            return f"error: {self.error}"
        return self.output if isinstance(self.output, str) else to_json(self.output).decode()


def bounded(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    return f"{text[:MAX_CHARACTERS]}… (the first {MAX_CHARACTERS:,} of {len(text):,} characters)"


def answer_of(result: "CallToolResult") -> McpAnswer:
    """What is structured as it is, if it is not too long, else the texts. Images and the like are named, not shown."""
    text = bounded("\n".join(map(_shown, result.content)))
    if result.is_error:
        return McpAnswer(error=text or "the tool failed and said nothing")
    structured = result.structured_content
    if structured is not None and len(as_json := to_json(structured).decode()) <= MAX_CHARACTERS:
        return McpAnswer(output=structured)
    return McpAnswer(output=text if text or structured is None else bounded(as_json))


def _shown(block: Any) -> str:
    """One of the kinds of content that the protocol has, or will have."""
    content = getattr(block, "resource", block)
    if isinstance(text := getattr(content, "text", None), str):
        return text
    named = [str(said) for name in ("name", "uri", "mime_type") if (said := getattr(content, name, None))]
    return f"({' '.join([block.type, *named])}: not shown)"
