"""The AsyncAPI document: valid by the official schema, and true of what a fleet really stores."""

import json
import re
import subprocess
from collections.abc import Iterable
from typing import Any

import pytest
from jsonschema import Draft7Validator

from penstock.contracts.events import texts_of
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.streams import stream_configs
from penstock.nats_api.asyncapi import document
from penstock.nats_api.channels import LANE, endpoints
from penstock.patterns.loading import load, steps_by_service
from penstock.settings import Settings
from tests.support.node import tool
from tests.support.pipeline import Pipeline

#: The package of the AsyncAPI initiative that holds the schemas of all versions.
SPECS = "@asyncapi/specs@6.11.1"
Json = dict[str, Any]


@pytest.fixture(scope="session")
def official_schema(tmp_path_factory: pytest.TempPathFactory) -> Json:
    """Fetched with npm, since no package on PyPI carries it."""
    folder = tmp_path_factory.mktemp("asyncapi")
    command = [
        tool("npm"),
        "install",
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--silent",
        "--prefix",
        str(folder),
        SPECS,
    ]
    subprocess.run(command, check=True)
    path = folder / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0-without-$id.json"
    schema: Json = json.loads(path.read_text())
    return schema


@pytest.fixture(scope="module")
def described() -> Json:
    """As it is served: through JSON."""
    whole: Json = json.loads(json.dumps(document(load(), Settings())))
    return whole


def references(part: Any) -> Iterable[str]:
    if isinstance(part, dict):
        for name, member in part.items():
            if name == "$ref" and isinstance(member, str):
                yield member
            else:
                yield from references(member)
    elif isinstance(part, list):
        for member in part:
            yield from references(member)


def find(described: Json, reference: str) -> Any:
    found: Any = described
    for token in reference.removeprefix("#/").split("/"):
        found = found[token]
    return found


def channel_of(described: Json, subject: str) -> str:
    """The channel of a subject; the one that spells more of it where two fit."""
    fitting: list[tuple[int, str]] = []
    for name, channel in described["channels"].items():
        # the origin of a dead letter is a subject itself, all else one token
        pattern = re.escape(channel["address"] or "").replace(r"\{origin\}", ".+")
        pattern = re.sub(r"\\\{\w+\\\}", "[^.]+", pattern)
        if channel["address"] and re.fullmatch(pattern, subject):
            fitting.append((channel["address"].count("{"), name))
    assert fitting, f"no channel for {subject}"
    return min(fitting)[1]


class Messages:
    """The messages of each channel, to check bodies against."""

    def __init__(self, described: Json) -> None:
        self._validators: dict[str, list[Draft7Validator]] = {}
        for name, channel in described["channels"].items():
            payloads = [find(described, message["$ref"])["payload"] for message in channel["messages"].values()]
            # draft 07 looks at nothing beside a $ref, hence the allOf
            schemas = [{"allOf": [payload], "components": described["components"]} for payload in payloads]
            self._validators[name] = [Draft7Validator(schema) for schema in schemas]

    def fit(self, channel: str, data: bytes) -> bool:
        body = json.loads(data)
        return any(validator.is_valid(body) for validator in self._validators[channel])


def test_it_is_valid_by_the_official_schema(described: Json, official_schema: Json) -> None:
    errors = [f"{list(e.absolute_path)}: {e.message}" for e in Draft7Validator(official_schema).iter_errors(described)]
    assert errors == []


def test_every_reference_leads_somewhere(described: Json) -> None:
    """The schema cannot tell; and an operation's messages must be its channel's."""
    for reference in references(described):
        find(described, reference)
    for operation in described["operations"].values():
        for side in (operation, operation.get("reply")):
            if side is not None:
                own = side["channel"]["$ref"] + "/messages/"
                assert all(message["$ref"].startswith(own) for message in side["messages"])


def test_its_schemas_are_of_the_dialect_that_asyncapi_has(described: Json) -> None:
    """JSON Schema draft 07: nothing that only newer drafts know."""
    for schema in described["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
    text = json.dumps(described["components"]["schemas"])
    for newer in ("$defs", "prefixItems", "unevaluatedProperties", "dependentSchemas", "$dynamicRef"):
        assert f'"{newer}"' not in text


#: A job, as addresses have it.
ANY = JobName("{tenant}", "{job}")


def test_it_leaves_nothing_out(described: Json) -> None:
    """Every stream's subjects but those of callers' keys, every kind of job and step, every endpoint."""
    addresses = {channel["address"] for channel in described["channels"].values()}
    first_tokens = {address.partition(".")[0] for address in addresses if address}
    for stream in (one for one in stream_configs(Settings()) if one.name != subjects.KEYS):
        assert {subject.partition(".")[0] for subject in stream.subjects or ()} <= first_tokens
        if stream.republish:
            assert str(stream.republish.dest).partition(".")[0] in first_tokens
    assert {subjects.job(name, ANY) for name in load()} <= addresses
    for service, steps in steps_by_service(load()).items():
        kinds = [(service, pattern.name, step.name) for pattern, step in steps.values()]
        assert {subjects.step(*kind, ANY, "{key}", lane=LANE) for kind in kinds} <= addresses
    assert {endpoint.address for endpoint in endpoints(load())} <= addresses


def test_an_operation_says_whose_it_is(described: Json) -> None:
    classify = described["operations"]["classifier-receive-steps-classifier-routing-classify"]
    assert classify["tags"] == [{"name": "classifier"}]
    assert classify["x-consumer"] == "classifier=routing=classify={lane}"
    assert described["operations"]["aggregator-receive-turns-routing"]["x-consumer"] == "turns={lane}"
    assert described["operations"]["aggregator-receive-jobs-routing"]["x-consumer"] == subjects.AGGREGATOR
    submit = described["operations"]["aggregator-receive-api-submit-routing"]
    assert submit["bindings"]["nats"]["queue"] == subjects.API
    assert described["channels"]["jobs-routing"]["x-stream"]["writeOnce"] is True


async def test_what_a_fleet_stores_fits_it(pipeline: Pipeline, described: Json) -> None:
    """All six patterns' examples and a failed job: every message of every stream."""
    messages = Messages(described)
    for pattern in load().values():
        example = pattern.example.model_dump(mode="json", by_alias=True)
        await pipeline.run(pattern.name, example)
    await pipeline.failure(await pipeline.submit("routing", {"query": 1}))
    steps = await pipeline.bus.connection.subscribe("steps.>")
    await pipeline.bus.connection.flush()
    await pipeline.run("routing", {"query": "Who can tell?"})
    stored = [(m.subject, m.data) for m in [await steps.next_msg(5) for _ in range(2)]]
    await steps.unsubscribe()
    for stream in (subjects.JOBS, subjects.JOURNAL, subjects.EVENTS, subjects.DEAD):
        every = f"{stream.lower()}.>"
        async for message in pipeline.bus.history(every):
            texts = texts_of(message.data) if stream == subjects.EVENTS else [message.data]
            stored += [(message.subject, text) for text in texts]
    used = set()
    for subject, data in stored:
        channel = channel_of(described, subject)
        if channel == "jobs-routing" and b'"query": 1' in data:
            continue  # it was refused for that
        assert messages.fit(channel, data), (subject, data)
        used.add(channel)
    assert {"journal-start", "journal-outcome", "journal-end", "events", "dead"} <= used
    assert {f"jobs-{name}" for name in load()} <= used
