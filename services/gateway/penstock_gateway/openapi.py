"""What the routes say of themselves in OpenAPI beyond what FastAPI reads off them: formats, headers, problems.

The document is 3.2, since that is the version in which the items of an event stream can be described
(`itemSchema`). For generators that refuse it there is the same as 3.1, in which an event stream is text.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, Literal, get_args

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from penstock.contracts.error_codes import CODES
from penstock.contracts.events import Event
from penstock.contracts.job import JobState, Snapshot
from penstock.contracts.problem import Problem
from penstock.pattern import Pattern

Json = dict[str, Any]
Responses = dict[int | str, Json]
Version = Literal["3.2", "3.1"]

_EVENTS: Final[tuple[type[BaseModel], ...]] = (*get_args(get_args(Event)[0]), Snapshot)
_TYPES: Final = {event.model_fields["type"].default: event for event in _EVENTS}
_REFS: Final = "#/components/schemas/"


def problems(*codes: str) -> Responses:
    """The responses to what is refused with `codes`, and with those that every route has."""
    titles = defaultdict(list)
    for code in (*codes, "headers_too_large", "bus_unavailable", "draining"):
        titles[CODES[code].status].append(f"`{code}`: {CODES[code].title}.")
    content = {"application/problem+json": {"schema": {"$ref": _REFS + "Problem"}}}
    responses: Responses = {status: {"description": " ".join(said)} for status, said in titles.items()}
    responses["default"] = {
        "description": "A problem (RFC 9457): its `code` is stable, and in the list of error codes."
    }
    return {status: response | {"content": content} for status, response in responses.items()}


class Description:
    """The schemas of a gateway's patterns, and what its routes answer with."""

    def __init__(self, patterns: Iterable[Pattern[Any, Any]]) -> None:
        self._patterns = list(patterns)
        wanted: list[Any] = [
            *((pattern.request, "validation") for pattern in self._patterns),
            *((pattern.result, "serialization") for pattern in self._patterns),
            *((model, "serialization") for model in (*_EVENTS, Problem, JobState)),
        ]
        self._references, schemas = models_json_schema(wanted, ref_template=_REFS + "{model}")
        mapping = {name: self._references[event, "serialization"]["$ref"] for name, event in _TYPES.items()}
        any_event = {
            "oneOf": [{"$ref": reference} for reference in mapping.values()],
            "discriminator": {"propertyName": "type", "mapping": mapping},
        }
        self._schemas = schemas["$defs"] | {"Event": any_event}

    def document(self, app: FastAPI, version: Version) -> Json:
        """The whole, for `/openapi.json`."""
        about: Json = {"title": app.title, "version": app.version, "summary": app.summary}
        spec = get_openapi(**about, openapi_version=f"{version}.0", routes=app.routes)
        spec["components"]["schemas"] = self._schemas | spec["components"]["schemas"]
        without_items: Json = _with_text_for_items(spec)
        return spec if version == "3.2" else without_items

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
        return self.stream(pattern) | {202: accepted} | problems(*refusals, "idempotency_key_reused", *_STREAM)

    def stream(self, *patterns: Pattern[Any, Any]) -> Responses:
        """A job's stream in any format; `patterns` are those the job may be of, by default all."""
        results = [self._references[pattern.result, "serialization"] for pattern in patterns or self._patterns]
        result = results[0] if len(results) == 1 else {"anyOf": results}
        grows = {
            "description": "The result as it grows. A body that breaks off, rather than ends, is not a result.",
            "headers": _JOB_ID | _UI,
            "content": {"application/json": {"schema": result}, **_items({"anyOf": [_JOB_EVENT, _CHUNK]})},
        }
        return {200: grows, 204: _PAST, **problems(*_STREAM, "unknown_job")}


def events() -> Responses:
    listed = {"description": "The events.", "headers": _JOB_ID, "content": _items(_JOB_EVENT)}
    return {200: listed, 204: _PAST, **problems("invalid_parameter", "unknown_job")}


def chat() -> Responses:
    whole = {"description": "The whole message, from its start.", "headers": _UI, "content": _items(_CHUNK)}
    return {200: whole, 204: {"description": "Nothing of this chat is running."}, **problems()}


def _header(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}


def _items(schema: Json) -> Json:
    return {"text/event-stream": {"itemSchema": schema}}


def _with_text_for_items(node: Any) -> Any:
    """A part of the document as 3.1."""
    if isinstance(node, list):
        return [_with_text_for_items(member) for member in node]
    if not isinstance(node, dict):
        return node
    if "itemSchema" in node:
        return {"schema": {"type": "string"}}
    return {name: _with_text_for_items(member) for name, member in node.items()}


#: Refusals of routes that stream a job in the format asked for.
_STREAM: Final = ("invalid_parameter", "job_cancelled")
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
        "event": {"type": "string", "enum": [*_TYPES]},
        "data": _JSON_TEXT | {"contentSchema": {"$ref": _REFS + "Event"}},
        "retry": {"type": "integer"},
    },
}
_CHUNK: Final[Json] = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": _JSON_TEXT | {"description": "A chunk of the AI SDK's UI message stream, version 1, or `[DONE]`."}
    },
}
