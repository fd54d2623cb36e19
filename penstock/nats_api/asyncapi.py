"""The AsyncAPI 3.0 document of the whole fleet, made from the table in penstock.nats_api.channels.

FastStream's own generator knows its subscribers only, not what is published past it (journal, events,
deltas) nor who answers requests, so it is not built upon (docs/nats-api.md).

An AsyncAPI document is meant for one application; this one is of the system, and each operation
names its service, also as a tag. What AsyncAPI has no words for is in extensions: `x-stream` (the
stream that holds a channel) and `x-consumer` (the durable consumer that an operation receives by).
"""

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from penstock.installed import __version__
from penstock.jetstream import subjects
from penstock.jetstream.streams import consumer_configs, stream_configs
from penstock.jetstream.subjects import NORMAL
from penstock.nats_api.channels import LANE, PARAMETERS, Channel, Message, channels
from penstock.pattern import Pattern
from penstock.settings import Settings

Json = dict[str, Any]

_DESCRIPTION = """\
Every fact is one message on a subject of its own, written once. Publish a request to
`jobs.<tenant>.<pattern>.<job>` (or ask `penstock.submit.<tenant>.<pattern>`) and subscribe to `live.<tenant>.<job>`
before; the job's end is the event `job.completed`, `job.failed` or `job.cancelled`, and
`journal.<tenant>.<job>.end`. The tenant is `default` for callers without a key."""


def document(patterns: Mapping[str, Pattern[Any, Any]], settings: Settings) -> Json:
    """The document for a fleet that serves `patterns`, with streams as `settings` declare them."""
    table = channels(patterns)
    messages = {message.name: message for channel in table for message in (*channel.messages, *channel.replies)}
    wanted: list[Any] = [(model, one.mode) for one in messages.values() for model in (one.model, one.input) if model]
    wanted += [(pattern.result, "serialization") for pattern in patterns.values()]
    references, schemas = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Penstock",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "servers": {
            "nats": {"host": "{host}", "protocol": "nats", "variables": {"host": {"default": "localhost:4222"}}}
        },
        "defaultContentType": "application/json",
        "channels": _channels(table, settings),
        "operations": _operations(table, patterns, settings),
        "components": {
            "messages": {name: _message(message, references) for name, message in messages.items()},
            "schemas": json.loads(json.dumps(schemas["$defs"]), object_hook=_draft_07),
        },
    }


def _channels(table: Iterable[Channel], settings: Settings) -> Json:
    streams = _streams(settings)
    found: Json = {}
    for channel in table:
        found[channel.name] = {
            "address": channel.address,
            "summary": channel.summary,
            "messages": {m.name: {"$ref": f"#/components/messages/{m.name}"} for m in channel.messages},
            "parameters": {
                name: {"description": text} for name, text in PARAMETERS.items() if f"{{{name}}}" in channel.address
            },
        }
        if stream := streams.get(channel.address.partition(".")[0]):
            found[channel.name]["x-stream"] = stream
        if channel.replies:
            found[f"{channel.name}-reply"] = {
                "address": None,
                "summary": f"The inbox of whoever asked {channel.address}.",
                "messages": {reply.name: {"$ref": f"#/components/messages/{reply.name}"} for reply in channel.replies},
            }
    return found


def _operations(table: Iterable[Channel], patterns: Mapping[str, Pattern[Any, Any]], settings: Settings) -> Json:
    consumers = [consumer for _, consumer in consumer_configs(settings, patterns)]
    found: Json = {}
    for channel in table:
        for action, services in (("send", channel.senders), ("receive", channel.receivers)):
            for service in services:
                operation: Json = {
                    "action": action,
                    "summary": channel.summary,
                    "channel": {"$ref": f"#/channels/{channel.name}"},
                    "messages": [{"$ref": f"#/channels/{channel.name}/messages/{m.name}"} for m in channel.messages],
                    "tags": [{"name": service}],
                }
                for consumer in consumers if action == "receive" else ():
                    if fnmatchcase(channel.address.replace(LANE, NORMAL), str(consumer.filter_subject)):
                        operation["x-consumer"] = str(consumer.durable_name).replace(f"={NORMAL}", f"={LANE}")
                if channel.replies:
                    if channel.address != subjects.FLEET:  # there, all answer
                        operation["bindings"] = {"nats": {"queue": subjects.API, "bindingVersion": "0.1.0"}}
                    reply = f"{channel.name}-reply"
                    operation["reply"] = {
                        "address": {"location": "$message.header#/reply", "description": "The reply subject."},
                        "channel": {"$ref": f"#/channels/{reply}"},
                        "messages": [{"$ref": f"#/channels/{reply}/messages/{m.name}"} for m in channel.replies],
                    }
                found[f"{service}-{action}-{channel.name}"] = operation
    return found


def _message(message: Message, references: Mapping[tuple[Any, JsonSchemaMode], Json]) -> Json:
    found: Json = {"name": message.name, "title": message.name, "summary": message.summary}
    if message.model is None:
        found["contentType"] = "application/octet-stream"
    payload = references[message.model, message.mode] if message.model else {}
    if message.input is not None:
        narrowed = {"type": "object", "properties": {"input": references[message.input, message.mode]}}
        payload = {"allOf": [payload, narrowed]}
    found["payload"] = payload
    if message.headers:
        texts = {name: {"type": "string", "description": text} for name, text in message.headers.items()}
        found["headers"] = {"type": "object", "properties": texts}
    return found


def _draft_07(node: Json) -> Json:
    """Part of a schema in AsyncAPI's dialect: tuples as `items`; no discriminator: it would name a schema, no value."""
    if "propertyName" in node.get("discriminator", ()):  # OpenAPI's keyword, not a property of that name
        del node["discriminator"]
    if "prefixItems" in node:
        node["items"] = node.pop("prefixItems")
    return node


def _streams(settings: Settings) -> dict[str, Json]:
    """The first token of a subject -> the stream that holds it, or that republishes to it."""
    found: dict[str, Json] = {}
    for config in stream_configs(settings):
        described = {
            "name": config.name,
            "retention": config.retention.value if config.retention else "limits",
            "writeOnce": bool(config.discard_new_per_subject),
        }
        found |= {subject.partition(".")[0]: described for subject in config.subjects or ()}
        if config.republish:
            found[str(config.republish.dest).partition(".")[0]] = {"republishedFrom": config.name}
    return found
