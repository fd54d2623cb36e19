"""Streams as Gemini sends them, and as it should not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tests.llm.wire import parts

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3.5s"}
SIGNED = "c2lnbmF0dXJlPz4/Pg=="


def event(response: Any, end: bytes = b"\r\n") -> bytes:
    return b"data: " + json.dumps(response).encode() + end + end


def sent(body: bytes, *, cut: Sequence[int] = (), ended: bool = True) -> bytes:
    """The body as the stream of a reply, in pieces that end at `cut`."""
    bounds = [0, *sorted({at for at in cut if 0 < at < len(body)}), len(body)]
    pieces = [body[start:stop] for start, stop in pairwise(bounds)]
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return head + framed + (b"0\r\n\r\n" if ended else b"")


def body(*responses: Any) -> bytes:
    return b"".join(event(response) for response in responses)


USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 3, "cachedContentTokenCount": 2}
CALL = {"functionCall": {"id": "c1", "name": "add", "args": {"a": 1, "b": [None, {"ü": "\ud83c\udf0a"}]}}}
OTHER_CALL = {"functionCall": {"name": "subtract"}, "thoughtSignature": SIGNED}
END = parts({"text": "."}, finish="STOP", modelVersion="gemini-3.8-flash-002", usageMetadata=USAGE)
PROBLEM = {"code": 429, "message": "slower", "status": "RESOURCE_EXHAUSTED", "details": [RETRY]}

BODIES = {
    "text": body(parts({"text": "Eine "}), parts({"text": "Brücke 🌉"}), END),
    "no usage": body(parts({"text": "a"}, finish="STOP")),
    "usage in several chunks": body(
        parts({"text": "a"}, usageMetadata={"promptTokenCount": 9}),
        parts({"text": "b"}, usageMetadata={**USAGE, "toolUsePromptTokenCount": 5}),
        parts({"text": "c"}, finish="STOP"),
    ),
    "parallel calls": body(parts({"text": "thinking", "thought": True}, CALL, OTHER_CALL), parts(CALL, finish="STOP")),
    "signed text": body(parts({"text": "", "thoughtSignature": SIGNED}), parts({"text": "a"}), END),
    "a signature in the other alphabet": body(parts({"text": "a", "thoughtSignature": "c2lnbmF0dXJlPz4_Pg"}), END),
    "no signature at all": body(parts({"text": "a", "thoughtSignature": "!!"}), END),
    "empty parts": body(parts({}), parts({"text": ""}), parts({"inlineData": {"mimeType": "a/b", "data": "AA"}}), END),
    "only thoughts": body(parts({"text": "hm", "thought": True}, finish="STOP")),
    "prompt blocked": body({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}}),
    "two candidates": body({"candidates": [{"content": {"parts": [{"text": "1"}]}, "finishReason": "STOP"}, {}]}),
    "nothing in it": body({}, {"candidates": []}, {"candidates": [{}]}, {"candidates": [{"content": {}}]}, END),
    "null everywhere": body({"candidates": None, "usageMetadata": None, "modelVersion": None, "promptFeedback": None}),
    "fields from the future": body({"next": [1]}, parts({"text": "a", "next": {}}, finish="STOP", next=1)),
    "numbers as text": body(parts({"text": "a"}, finish="STOP", usageMetadata={"promptTokenCount": "12"})),
    "half a pair, then the other": body(parts({"text": "\ud83c"}), parts({"text": "\udf09"}), END),
    "half a pair in a call": body(parts({"functionCall": {"name": "add", "args": {"a": "\ud83c"}}}, finish="STOP")),
    "no JSON": event(END) + b"data: {\r\n\r\n",
    "a number": body(1),
    "text that is none": body(parts({"text": 1})),
    "arguments that are none": body(parts({"functionCall": {"name": "add", "args": [1]}})),
    "one event in two lines": event(END).replace(b", ", b",\r\ndata: "),
    "data without text": b"data: \r\n\r\n" + event(END),
    "empty lines": b"\r\n\r\n\n" + event(END) + b"\r\n\r\n",
    "no empty line at the end": event(END).rstrip(),
    "no UTF-8": event(END).replace(b'"."', b'"\xff\xc3"'),
    "a separator that ends no line": event(END).replace(b'"."', '"\u2028\x85"'.encode()),
    "an error": body(parts({"text": "a"}), {"error": PROBLEM}),
    "an error first": body({"error": PROBLEM}),
    "an error of ours": body({"error": {"code": 400, "message": "too long", "status": "INVALID_ARGUMENT"}}),
    "a bad key": body({"error": {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}}),
    "an error with a strange code": body({"error": {"code": 700, "message": "?"}}),
    "an error without a code": body({"error": {"message": "no"}}),
    "an error with a code as text": body({"error": {"code": "503"}}),
    "an error that is none": body({"error": None}),
    "an error that is text": body({"error": "no"}),
    "an error in bare lines": event(parts({"text": "a"})) + json.dumps({"error": PROBLEM}, indent=1).encode() + b"\n",
    "an error in a bare list": json.dumps([{"error": PROBLEM}], indent=1).encode(),
    "an error in one bare line": json.dumps({"error": {"code": 503, "message": 'a "{" \\'}}).encode(),
    "bare lines that do not end": b'{"error":\n{"code": 503\n',
    "a page": b"<html>\n<p>{</p>\n}</html>",
    "nothing": b"",
    "nested too deep": event({"candidates": "-"}).replace(b'"-"', b"[" * 100_000),
    **{reason: body(parts({"text": "a"}), parts(finish=reason, usageMetadata=USAGE)) for reason in (
        "MAX_TOKENS", "SAFETY", "RECITATION", "MALFORMED_FUNCTION_CALL", "OTHER", "MISSING_THOUGHT_SIGNATURE", "stop"
    )},
}  # fmt: skip
