"""What `useChat` sends, as a pattern's request; and which job a chat's latest message began.

The job of a chat is kept in EVENTS, on a subject that no job's events can have: it is needed by any replica,
for as long as there are events to replay, and only the last one counts. No stream of its own is worth that.
"""

import hashlib
import json
from typing import Any, NamedTuple

from pydantic_core import from_json

from penstock.contracts.problem import FieldError
from penstock.contracts.wire import JobName
from penstock.errors import InvalidRequest
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.pattern import Pattern

#: What the transport itself puts into the body; all else is the application's, and goes to the pattern.
_TRANSPORT = frozenset({"id", "messages", "trigger", "messageId"})
_LONGEST_ID = 1_000


class ChatRequest(NamedTuple):
    """`body` is the pattern's request; `chat` the id that the browser reconnects by, if it gave one."""

    chat: str | None
    body: bytes


def translate(pattern: Pattern[Any, Any], raw: bytes) -> ChatRequest | None:
    """The last user message's text as the pattern's first required string; None if this is no chat's body.

    Raises InvalidRequest where there is no such message.
    """
    if b'"messages"' not in raw or any(field.alias == "messages" for field in pattern.request.model_fields.values()):
        return None
    try:
        given = from_json(raw, allow_inf_nan=False)
    except ValueError:
        return None  # reading it as a request will say what is wrong
    if not isinstance(given, dict) or not isinstance(given.get("messages"), list):
        return None
    chat = given.get("id")
    if chat is not None and not (isinstance(chat, str) and 1 <= len(chat) <= _LONGEST_ID and chat.isprintable()):
        raise _wrong("/id", f"a string of 1 to {_LONGEST_ID} printable characters")
    request = {name: value for name, value in given.items() if name not in _TRANSPORT}
    request[main_field(pattern)] = _last_words(given["messages"])
    return ChatRequest(chat, json.dumps(request).encode())


def main_field(pattern: Pattern[Any, Any]) -> str:
    """The wire name of the first required string of a pattern's request."""
    fields = pattern.request.model_fields.items()
    return next((one.alias or name for name, one in fields if one.is_required() and one.annotation is str), "input")


async def remember(bus: Bus, pattern: str, chat: str, job: JobName) -> None:
    """The chat's latest message began `job`."""
    await bus.append(_subject(job.tenant, pattern, chat), json.dumps({"type": "chat.job", "job": job.id}).encode())


async def job_of(bus: Bus, tenant: str, pattern: str, chat: str) -> JobName | None:
    """The job of the chat's latest message."""
    found = await bus.last_from_any_replica([_subject(tenant, pattern, chat)])
    return JobName(tenant, json.loads(found[-1].data)["job"]) if found else None


def _subject(tenant: str, pattern: str, chat: str) -> str:
    return subjects.chat(tenant, hashlib.sha256("\0".join((pattern, chat)).encode()).hexdigest())


def _last_words(messages: list[Any]) -> str:
    for index, message in reversed(list(enumerate(messages))):
        if isinstance(message, dict) and message.get("role") == "user":
            parts = message.get("parts")
            if not isinstance(parts, list):
                parts = [{"type": "text", "text": message.get("content")}]
            texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
            words = "".join(text for text in texts if isinstance(text, str))
            if not words:
                raise _wrong(f"/messages/{index}/parts", "the last user message has no text")
            return words
    raise _wrong("/messages", "there is no user message")


def _wrong(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(f"{pointer}: {detail}", (FieldError(pointer=pointer, detail=detail),))
