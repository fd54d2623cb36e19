"""What a reply is streamed in: text pieces and tool calls as they come, then one Finished."""

from typing import Literal

from penstock.contracts.turns import TextPiece, ToolCall
from penstock.contracts.usage import Usage
from penstock.contracts.wire import Tolerant


class Finished(Tolerant):
    """The reply is complete. Always the last chunk, exactly once, and only on success."""

    kind: Literal["finished"] = "finished"
    usage: Usage
    finish_reason: str
    #: The version that answered, as it says itself; the name asked for where it does not say.
    model: str


Chunk = TextPiece | ToolCall | Finished
