"""One reply being read: chunks out of the SDK's responses, and the judgement of how it ended."""

import base64
from collections.abc import Iterator

from penstock.contracts.turns import TextPiece, ToolCall
from penstock.document.strings import whole
from penstock.errors import ModelFailure, ModelUnavailable, OutputInvalid, OutputTruncated
from penstock.llm import chunk

_BLOCKED = {"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "RECITATION", "SPII", "MODEL_ARMOR", "ESCALATION"}
_BLOCKED |= {"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"}
_INVALID = {"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "LANGUAGE"}


class Reply:
    """What has been read of one call's reply."""

    def __init__(self, asked: str) -> None:
        self.model = asked
        self.begun = False
        self._empty = True
        self._finish: str | None = None
        self._message = ""
        self._blocked: str | None = None
        #: The last that the model reported; Gemini sends running totals.
        self.metadata: chunk.UsageMetadata | None = None

    def read(self, response: chunk.Chunk) -> Iterator[TextPiece | ToolCall]:
        """The response's text pieces and tool calls; thoughts are neither."""
        self.begun = True
        self.model = whole((response.model_version or self.model).removeprefix("models/"))
        self.metadata = response.usage_metadata or self.metadata
        if response.prompt_feedback is not None and response.prompt_feedback.block_reason is not None:
            self._blocked = response.prompt_feedback.block_reason
        if not response.candidates:
            return
        candidate = response.candidates[0]
        if candidate.finish_reason is not None:
            self._finish = candidate.finish_reason
            self._message = whole(candidate.finish_message or "")
        for part in (candidate.content.parts if candidate.content else None) or ():
            if (piece := _piece(part)) is not None:
                self._empty &= isinstance(piece, TextPiece) and not piece.text
                yield piece

    def end(self) -> None:
        """Check how the stream has ended.

        Raises ModelFailure (model_blocked, model_rejected), OutputTruncated, OutputInvalid, or ModelUnavailable for
        a stream that ended without a finish reason, or for one that does not say what is wrong.
        """
        reason, model = self._finish, self.model
        why = f"{reason}: {self._message}" if self._message else f"{reason}"
        if self._blocked is not None:
            raise ModelFailure("model_blocked", f"{model} blocked the prompt: {self._blocked}")
        match reason:
            case "STOP" if self._empty:
                raise OutputInvalid(f"the reply of {model} is empty")
            case "STOP":
                return
            case None:
                raise ModelUnavailable(f"the reply of {model} broke off without a finish reason")
            case "MAX_TOKENS" | "CONTINUATION":
                raise OutputTruncated(f"the reply of {model} stopped at the output limit ({why})")
            case "MISSING_THOUGHT_SIGNATURE":
                raise ModelFailure("model_rejected", f"{model} refused the conversation: {why}")
            case _ if reason in _BLOCKED:
                raise ModelFailure("model_blocked", f"{model} blocked its reply: {why}")
            case _ if reason in _INVALID:
                raise OutputInvalid(f"the reply of {model} is not usable ({why})")
        raise ModelUnavailable(f"{model} stopped for another reason ({why})")


def _piece(part: chunk.Part) -> TextPiece | ToolCall | None:
    signature = base64.b64encode(part.thought_signature).decode() if part.thought_signature else None
    if (call := part.function_call) is not None:
        return ToolCall(id=call.id or None, name=call.name or "", args=call.args or {}, signature=signature)
    if part.thought or not (part.text or signature):
        return None
    return TextPiece(text=part.text or "", signature=signature)
