"""The OpenAPI document: what FastAPI reads off the routes, and what it cannot know: formats, headers, problems.

3.2, since that is the version in which the items of an event stream can be described (`itemSchema`).
"""

from typing import Any, Final, get_args

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from penstock.contracts.events import Event
from penstock.contracts.job import JobState, Snapshot
from penstock.contracts.problem import Problem
from penstock.pattern import Pattern
from penstock_gateway.state import Gateway

Json = dict[str, Any]

VERSION: Final = "3.2.0"
_EVENTS: Final[tuple[type[BaseModel], ...]] = (*get_args(get_args(Event)[0]), Snapshot)
_REFS: Final = "#/components/schemas/"
_UI_HEADER: Final = "x-vercel-ai-ui-message-stream"


def install(app: FastAPI, gateway: Gateway) -> None:
    """Have `app` serve the document at /openapi.json."""

    def document() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, gateway)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI, gateway: Gateway) -> Json:
    spec = get_openapi(
        title=app.title, version=app.version, summary=app.summary, openapi_version=VERSION, routes=app.routes
    )
    patterns = gateway.patterns.values()
    wanted: list[Any] = [
        *((pattern.request, "validation") for pattern in patterns),
        *((pattern.result, "serialization") for pattern in patterns),
        *((model, "serialization") for model in (*_EVENTS, Problem, JobState)),
    ]
    references, schemas = models_json_schema(
        wanted,
        ref_template=_REFS + "{model}",
    )
    components = spec["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    components |= {name: schema for name, schema in schemas["$defs"].items() if name not in components}
    components["Event"] = {
        "oneOf": [references[event, "serialization"] for event in _EVENTS],
        "discriminator": {
            "propertyName": "type",
            "mapping": {
                event.model_fields["type"].default: references[event, "serialization"]["$ref"] for event in _EVENTS
            },
        },
    }
    operations = {operation["operationId"]: operation for path in spec["paths"].values() for operation in path.values()}
    for pattern in patterns:
        _describe_submission(
            operations[pattern.name],
            pattern,
            references[pattern.request, "validation"],
            references[pattern.result, "serialization"],
        )
        operations[f"{pattern.name}-chat"] |= {
            "parameters": [_path("chat", "The chat's id, as useChat sent it.")],
            "responses": {
                "200": {"description": "The whole message, from its start.", "headers": _ui(), "content": _ui_chunks()},
                "204": {"description": "Nothing of this chat is running."},
                **_problems(404, 503),
            },
        }
    _describe_jobs(operations, {"anyOf": [references[pattern.result, "serialization"] for pattern in patterns]})
    for name, statuses in {"patterns": (), "pattern": (404,), "livez": (), "readyz": ()}.items():
        responses = operations[name]["responses"]
        responses.pop("422", None)
        responses |= _problems(*statuses, 503) if name in ("patterns", "pattern") else {}
    operations["readyz"]["responses"]["503"] = {"description": "Not connected to NATS, or going down."}
    return spec


def _describe_submission(operation: Json, pattern: Pattern[Any, Any], request: Json, result: Json) -> None:
    example = pattern.example.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    chat = {
        "type": "object",
        "required": ["messages"],
        "properties": {"id": {"type": "string"}, "messages": {"type": "array", "items": {"type": "object"}}},
        "description": "What useChat sends; the last user message's text is the request's first required string.",
    }
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [request, chat]}, "examples": {"request": {"value": example}}}
        },
    }
    operation["parameters"] = [
        _PROTOCOL,
        _header("Prefer", "`respond-async`, with `wait=N` to wait up to N (60 at most) seconds for the result."),
        _header("Idempotency-Key", "The same key with the same body is the same job.", maxLength=260),
    ]
    accepted = {
        "description": "Accepted; for `Prefer: respond-async`.",
        "headers": {
            **_job_id(),
            "Location": _header_object("Where to look for it."),
            "Preference-Applied": _header_object("What was heeded of `Prefer`."),
        },
        "content": {"application/json": {"schema": {"$ref": _REFS + "JobState"}}},
    }
    operation["responses"] = {
        "200": {
            "description": "The result as it grows. A body that breaks off, rather than ends, is not a result.",
            "headers": {**_job_id(), **_ui()},
            "content": {"application/json": {"schema": result}, **_events()},
        },
        "202": accepted,
        **_problems(400, 408, 409, 413, 415, 422, 431, 503),
        "default": _PROBLEM | {"description": "With `Prefer: wait`: the problem that the job failed with."},
    }


def _describe_jobs(operations: Json, any_result: Json) -> None:
    for name in ("jobs", "job", "cancel"):
        operations[name]["responses"].pop("422", None)
        operations[name]["responses"] |= _problems(*((400,) if name == "jobs" else (404,)), 503)
    for name in ("job", "cancel", "events", "stream"):
        operations[name]["parameters"] = [_path("job", "The job's id.")]
    cursor = [
        _header("Last-Event-ID", "The id of the last event that was received; goes before `after`."),
        {"name": "after", "in": "query", "description": "The same as a parameter.", "schema": {"type": "integer"}},
    ]
    operations["events"]["parameters"] += cursor
    operations["stream"]["parameters"] += [*cursor, _PROTOCOL]
    past = {"204": {"description": "Nothing comes after the given event: the job has ended.", "headers": _job_id()}}
    operations["events"]["responses"] = {
        "200": {"description": "The events.", "headers": _job_id(), "content": _events()},
        **past,
        **_problems(400, 404, 503),
    }
    operations["stream"]["responses"] = {
        "200": {
            "description": "The stream.",
            "headers": {**_job_id(), **_ui()},
            "content": {"application/json": {"schema": any_result}, **_events()},
        },
        **past,
        **_problems(400, 404, 409, 503),
        "default": _PROBLEM | {"description": "As JSON text: the problem that the job failed with."},
    }


def _events() -> Json:
    """Server-sent events: the job's own, or with `protocol=ui-message` the AI SDK's chunks."""
    job_event = {
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "id": {"type": "string", "description": "Give it as Last-Event-ID to go on after this event."},
            "event": {"type": "string", "enum": [event.model_fields["type"].default for event in _EVENTS]},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": _REFS + "Event"},
            },
            "retry": {"type": "integer"},
        },
    }
    example = (
        'event: delta\ndata: {"k":"draft-1","a":1,"n":2,"type":"delta","p":"/originalContent","t":"\\"The"'
        ',"seq":4}\nid: 41\n\n'
    )
    schema = {"anyOf": [job_event, _CHUNK]}
    return {"text/event-stream": {"itemSchema": schema, "examples": {"delta": {"serializedValue": example}}}}


def _ui_chunks() -> Json:
    return {"text/event-stream": {"itemSchema": _CHUNK}}


#: An item of the UI message stream.
_CHUNK: Final[Json] = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "string",
            "description": "A chunk of the AI SDK's UI message stream, version 1, or `[DONE]`.",
            "contentMediaType": "application/json",
        }
    },
}
_PROBLEM: Final[Json] = {
    "description": "A problem (RFC 9457); `code` is stable.",
    "content": {"application/problem+json": {"schema": {"$ref": _REFS + "Problem"}}},
}
_TITLES: Final = {
    400: "A parameter or header is wrong; `errors` names it.",
    404: "There is no such job, pattern or path.",
    408: "The body did not come in time.",
    409: "The job was cancelled.",
    413: "The body is too large.",
    415: "The body is not plain JSON.",
    422: "The request does not fit (`errors` names the fields), or the idempotency key belongs to another one.",
    431: "The headers are too large.",
    503: "Overloaded, draining or without NATS: try again after `Retry-After`.",
}
_PROTOCOL: Final[Json] = {
    "name": "protocol",
    "in": "query",
    "description": "The format, where `Accept` cannot say it.",
    "schema": {"type": "string", "enum": ["json", "sse", "ui-message"]},
}


def _problems(*statuses: int) -> Json:
    return {str(status): _PROBLEM | {"description": _TITLES[status]} for status in statuses}


def _job_id() -> Json:
    return {"X-Job-Id": _header_object("The job's id.")}


def _ui() -> Json:
    return {_UI_HEADER: _header_object("`v1`, on a UI message stream.")}


def _header_object(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}


def _header(name: str, description: str, **schema: Any) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string", **schema}}


def _path(name: str, description: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}
