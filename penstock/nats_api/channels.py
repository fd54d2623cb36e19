"""The table of channels: which service sends what where, and who receives it. AsyncAPI is made from it.

Addresses come from penstock.jetstream.subjects, the kinds of jobs and steps from the patterns, the endpoints from
penstock.nats_api: nothing is spelled a second time here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from nats.micro.request import ERROR_CODE_HEADER, ERROR_HEADER
from pydantic import BaseModel

from penstock.contracts.events import Event
from penstock.contracts.journal import END, START, JobEnd, JobStart, Outcome
from penstock.contracts.problem import Problem
from penstock.contracts.step import StepMessage
from penstock.contracts.webhook import Hook
from penstock.jetstream import subjects
from penstock.nats_api import endpoints as nats_api
from penstock.pattern import Pattern
from penstock.patterns.loading import steps_by_service

Mode = Literal["validation", "serialization"]

#: A place in an address, for each variable token of a subject.
_JOB, _KEY, _ORIGIN = "{job}", "{key}", "{origin}"
PARAMETERS = {
    "job": "The job's id: 1 to 64 of A-Z a-z 0-9 _ -.",
    "key": "The step's key, unique in its job.",
    "origin": "The subject of the message that could not be handled.",
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """A kind of message. `model` None: bytes of any kind. `input` narrows a step message's input."""

    name: str
    summary: str
    model: type[BaseModel] | None
    mode: Mode = "serialization"
    input: type[BaseModel] | None = None
    #: Headers by name, with what each says.
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A subject, or many of one kind. `name` is its key in the document; services are named as in the fleet."""

    name: str
    address: str
    summary: str
    messages: tuple[Message, ...]
    senders: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    #: What is answered to a request, and the queue group that shares the requests.
    replies: tuple[Message, ...] = ()
    queue: str | None = None


def channels(patterns: Mapping[str, Pattern[Any, Any]]) -> list[Channel]:
    """All channels of a fleet that serves `patterns`."""
    executors = tuple(steps_by_service(patterns))
    return [*_jobs(patterns), *_steps(patterns), *_facts(executors), *_aside(executors), *_endpoints(patterns)]


def _jobs(patterns: Mapping[str, Pattern[Any, Any]]) -> list[Channel]:
    headers = {subjects.TENANT_HEADER: "On whose behalf; written by the gateway."}
    return [
        Channel(
            name=f"jobs-{pattern.name}",
            address=subjects.job(pattern.name, _JOB),
            summary=f"Jobs: {pattern.summary}",
            messages=(_message(pattern.request, pattern.summary, "validation", headers),),
            senders=("gateway",),
            receivers=("aggregator",),
        )
        for pattern in patterns.values()
    ]


def _steps(patterns: Mapping[str, Pattern[Any, Any]]) -> list[Channel]:
    return [
        Channel(
            name=f"steps-{service}-{name}",
            address=subjects.step(service, name, _JOB, _KEY),
            summary=f"Steps of kind {name}, of the pattern {pattern.name}.",
            messages=(Message(name=f"Step-{name}", summary=f"One {name} to do.", model=StepMessage, input=step.input),),
            senders=("aggregator",),
            receivers=(service,),
        )
        for service, steps in steps_by_service(patterns).items()
        for name, (pattern, step) in steps.items()
    ]


def _facts(executors: tuple[str, ...]) -> list[Channel]:
    """The journal and the events, as written and as heard once they are stored."""
    start, outcome, end = (_message(model) for model in (JobStart, Outcome, JobEnd))
    events = tuple(_message(event) for event in get_args(get_args(Event)[0]))
    everyone = ("gateway", "aggregator", *executors)
    return [
        Channel(
            name="journal-start",
            address=subjects.journal(_JOB, START),
            summary="What the job's id stands for.",
            messages=(start,),
            senders=("aggregator",),
        ),
        Channel(
            name="journal-outcome",
            address=subjects.journal(_JOB, _KEY),
            summary="Each step's outcome.",
            messages=(outcome,),
            senders=executors,
        ),
        Channel(
            name="journal-end",
            address=subjects.journal(_JOB, END),
            summary="The one way the job ended; a cancel writes it too.",
            messages=(end,),
            senders=("aggregator", "gateway"),
        ),
        Channel(
            name="facts",
            address=subjects.fact(_JOB, _KEY),
            summary="The journal's facts, heard once they are stored.",
            messages=(start, outcome, end),
            receivers=("aggregator", *executors),
        ),
        Channel(
            name="events",
            address=subjects.events(_JOB),
            summary="Everything a caller may see of a job, in order. Read it by direct get.",
            messages=events,
            senders=everyone,
        ),
        Channel(
            name="live",
            address=subjects.live(_JOB),
            summary="The job's events, heard once they are stored, with Nats-Sequence and Nats-Last-Sequence.",
            messages=events,
            receivers=("gateway",),
        ),
    ]


def _aside(executors: tuple[str, ...]) -> list[Channel]:
    headers = {
        subjects.DEAD_REASON_HEADER: "A stable code.",
        subjects.DEAD_DETAIL_HEADER: "One sentence for people.",
        subjects.DEAD_SUBJECT_HEADER: "The subject it came on.",
        subjects.DEAD_STREAM_HEADER: "The stream it was in.",
        subjects.DEAD_SEQUENCE_HEADER: "Its sequence there.",
        subjects.DEAD_LENGTH_HEADER: "The body's length, where the copy was cut to fit.",
        subjects.TENANT_HEADER: "As it came.",
    }
    letter = Message(name="DeadLetter", summary="A copy of the message, as it came.", model=None, headers=headers)
    return [
        Channel(
            name="hooks",
            address=subjects.hook(_JOB),
            summary="Ends of jobs that are to be delivered to a webhook.",
            messages=(_message(Hook),),
            senders=("aggregator",),
            receivers=("aggregator",),
        ),
        Channel(
            name="dead",
            address=subjects.dead(_ORIGIN),
            summary="Messages that could not be handled.",
            messages=(letter,),
            senders=("aggregator", *executors),
        ),
    ]


def _endpoints(patterns: Mapping[str, Pattern[Any, Any]]) -> list[Channel]:
    chosen = {
        subjects.JOB_HEADER: "The job's id, if the caller chooses it.",
        subjects.TENANT_HEADER: "On whose behalf.",
    }
    return [
        Channel(
            name=f"api-{endpoint.name}",
            address=endpoint.subject,
            summary=endpoint.summary,
            messages=(
                _message(endpoint.request, endpoint.summary, "validation", chosen if endpoint.pattern else None)
                if endpoint.request
                else Message(name="Nothing", summary="The body is not read.", model=None),
            ),
            receivers=("aggregator",),
            replies=(_message(endpoint.reply), _refusal()),
            queue=subjects.API,
        )
        for endpoint in nats_api.endpoints(patterns)
    ]


def _refusal() -> Message:
    headers = {ERROR_HEADER: "`<code>: <detail>`", ERROR_CODE_HEADER: "The HTTP status that fits."}
    return _message(Problem, "Why the request was refused.", headers=headers)


def _message(
    model: type[BaseModel],
    summary: str | None = None,
    mode: Mode = "serialization",
    headers: Mapping[str, str] | None = None,
) -> Message:
    """A message that is named like its model; its summary is the first line of the model's docstring."""
    described = summary or (model.__doc__ or model.__name__).strip().splitlines()[0]
    return Message(name=model.__name__, summary=described, model=model, mode=mode, headers=headers)
