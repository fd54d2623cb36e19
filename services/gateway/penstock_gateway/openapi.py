"""What the routes say of themselves in OpenAPI beyond what FastAPI reads off them: formats, headers, problems.

The document is 3.2, since that is the version in which the items of an event stream can be described
(`itemSchema`). For generators that refuse it there is the same as 3.1, in which an event stream is text.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import Field, TypeAdapter

from penstock.contracts.error_codes import CODES
from penstock.contracts.events import EVENTS, Event
from penstock.contracts.job import JobState, Snapshot
from penstock.contracts.problem import Problem
from penstock.pattern import Pattern

Json = dict[str, Any]
Responses = dict[int | str, Json]
Version = Literal["3.2", "3.1"]

#: What a submission or a retry is refused with for how many the caller has made, or has on.
LIMITS: Final = ("budget_exceeded", "rate_limited", "too_many_jobs")
_REFS: Final = "#/components/schemas/"
#: What is sent as an event of a job; and the names of all kinds.
_EVENT: Final[TypeAdapter[Any]] = TypeAdapter(Annotated[Event | Snapshot, Field(discriminator="type")])
_TYPES: Final = [event.model_fields["type"].default for event in (*EVENTS, Snapshot)]


def problems(*codes: str) -> Responses:
    """The responses to what is refused with `codes`, and with those that every route has."""
    titles = defaultdict(list)
    for code in (
        *codes,
        "invalid_parameter",
        "unauthorized",
        "forbidden",
        "host_not_allowed",
        "origin_not_allowed",
        "headers_too_large",
        "bus_unavailable",
        "draining",
    ):
        titles[CODES[code].status].append(f"`{code}`: {CODES[code].title}.")
    content = {"application/problem+json": {"schema": {"$ref": _REFS + "Problem"}}}
    said: dict[int | str, str] = {status: " ".join(several) for status, several in titles.items()}
    said["default"] = "A problem (RFC 9457): its `code` is stable, and in the list of error codes."
    return {status: {"description": text, "content": content} for status, text in said.items()}


class Description:
    """The schemas of a gateway's patterns, and what its routes answer with."""

    def __init__(self, patterns: Iterable[Pattern[Any, Any]]) -> None:
        self._patterns = list(patterns)
        sent: tuple[Any, ...] = (*(pattern.result for pattern in self._patterns), Problem, JobState)
        wanted: list[Any] = [
            *((pattern.request, "validation", TypeAdapter(pattern.request)) for pattern in self._patterns),
            *((model, "serialization", TypeAdapter(model)) for model in sent),
            (Event, "serialization", _EVENT),
        ]
        self._references, schemas = TypeAdapter.json_schemas(wanted, ref_template=_REFS + "{model}")
        self._schemas = schemas["$defs"] | {"Event": self._references[Event, "serialization"]}

    def document(self, app: FastAPI, version: Version) -> Json:
        """The whole, for `/openapi.json`."""
        about: Json = {"title": app.title, "version": app.version, "summary": app.summary}
        spec = get_openapi(**about, openapi_version=f"{version}.0", routes=app.routes)
        spec["components"]["schemas"] = self._schemas | spec["components"]["schemas"]
        spec["components"]["securitySchemes"] = {"key": _KEY}
        spec["security"] = [{"key": []}, {}]  # the latter where the gateway is open
        return spec if version == "3.2" else json.loads(json.dumps(spec), object_hook=_with_text_for_items)

    def request(self, pattern: Pattern[Any, Any]) -> Json:
        """The body of a submission: the pattern's request, or a chat's."""
        chat = {
            "type": "object",
            "required": ["messages"],
            "properties": {"id": {"type": "string"}, "messages": {"type": "array", "items": {"type": "object"}}},
            "description": "What useChat sends; the last user message's text is the request's first required string.",
        }
        example = pattern.example.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        content = {
            "schema": {"anyOf": [self._references[pattern.request, "validation"], chat]},
            "examples": {"request": {"value": example}},
        }
        return {"requestBody": {"required": True, "content": {"application/json": content}}}

    def submitted(self, pattern: Pattern[Any, Any]) -> Responses:
        accepted = {
            "description": "Accepted; for `Prefer: respond-async`.",
            "headers": {
                **_JOB_ID,
                "Location": _header("Where to look for it."),
                "Preference-Applied": _header("What was applied of `Prefer`."),
            },
            "content": {"application/json": {"schema": {"$ref": _REFS + "JobState"}}},
        }
        refusals = ("body_timeout", "body_too_large", "unsupported_media_type", "invalid_request", "overloaded")
        return (
            self.stream(pattern)
            | {202: accepted}
            | problems("no_room", *refusals, *LIMITS, "idempotency_key_reused", "job_cancelled")
        )

    def stream(self, *patterns: Pattern[Any, Any]) -> Responses:
        """A job's stream in any format; `patterns` are those the job may be of, by default all."""
        results = [self._references[pattern.result, "serialization"] for pattern in patterns or self._patterns]
        result = results[0] if len(results) == 1 else {"anyOf": results}
        grows = {
            "description": "The result as it grows. A body that breaks off, rather than ends, is not a result.",
            "headers": _JOB_ID | _UI,
            "content": {"application/json": {"schema": result}, **_items({"anyOf": [_JOB_EVENT, _CHUNK]})},
        }
        return {200: grows, 204: _PAST, **problems("job_cancelled", "unknown_job")}


def events() -> Responses:
    listed = {"description": "The events.", "headers": _JOB_ID, "content": _items(_JOB_EVENT)}
    return {200: listed, 204: _PAST, **problems("unknown_job")}


def signalled() -> Responses:
    """What a signal is answered with, beside the signal itself."""
    body = ("body_timeout", "body_too_large", "unsupported_media_type", "invalid_request")
    named = ("unknown_job", "unknown_signal", "unknown_pattern")
    return problems(*named, "job_ended", "signal_taken", "too_many_signals", "rate_limited", *body)


def chat() -> Responses:
    whole = {"description": "The whole message, from its start.", "headers": _UI, "content": _items(_CHUNK)}
    return {200: whole, 204: {"description": "Nothing of this chat is running."}, **problems()}


def _header(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}


def _items(schema: Json) -> Json:
    return {"text/event-stream": {"itemSchema": schema}}


def _with_text_for_items(node: Json) -> Json:
    """An object of the document as 3.1."""
    return {"schema": {"type": "string"}} if "itemSchema" in node else node


_KEY: Final[Json] = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key that `penstock keys create` made. Not needed where the gateway is open.",
}
#: A route that needs no key in any case.
FOR_ALL: Final[Json] = {"security": []}
#: A signal's body.
SIGNAL: Final[Json] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"description": "As `bodySchema` of the event `job.waiting` has it."}}
        },
    }
}
_JOB_ID: Final[Json] = {"X-Job-Id": _header("The job's id.")}
_UI: Final[Json] = {"x-vercel-ai-ui-message-stream": _header("`v1`, on a UI message stream.")}
_PAST: Final[Json] = {"description": "Nothing comes after the given event: the job has ended.", "headers": _JOB_ID}
_JSON_TEXT: Final[Json] = {"type": "string", "contentMediaType": "application/json"}
#: An item of `sse`, and one of `ui-message`.
_JOB_EVENT: Final[Json] = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "id": {"type": "string", "description": "Give it as Last-Event-ID to go on after this event."},
        "event": {"type": "string", "enum": _TYPES},
        "data": _JSON_TEXT | {"contentSchema": {"$ref": _REFS + "Event"}},
        "retry": {"type": "integer"},
    },
}
_CHUNK_TEXT = _JSON_TEXT | {"description": "A chunk of the AI SDK's UI message stream, version 1, or `[DONE]`."}
_CHUNK: Final[Json] = {"type": "object", "required": ["data"], "properties": {"data": _CHUNK_TEXT}}
