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


@dataclass(frozen=True)
class Message:
    """A kind of message. `model` None: bytes of any kind. `input` narrows a step message's input."""

    name: str
    summary: str
    model: type[BaseModel] | None = None
    mode: Mode = "serialization"
    input: type[BaseModel] | None = None
    #: Headers by name, with what each says.
    headers: Mapping[str, str] | None = None

    @classmethod
    def of(cls, model: type[BaseModel], summary: str | None = None, **more: Any) -> "Message":
        """Named like its model; its summary is the first line of the model's docstring."""
        described = summary or (model.__doc__ or model.__name__).strip().splitlines()[0]
        return cls(model.__name__, described, model, **more)


@dataclass(frozen=True)
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
    return [*_jobs(patterns), *_steps(patterns), *_of_a_job(executors), *_endpoints(patterns)]


def _jobs(patterns: Mapping[str, Pattern[Any, Any]]) -> list[Channel]:
    return [
        Channel(
            f"jobs-{pattern.name}",
            subjects.job(pattern.name, _JOB),
            f"Jobs: {pattern.summary}",
            (Message.of(pattern.request, pattern.summary, mode="validation"),),
            senders=("gateway",),
            receivers=("aggregator",),
        )
        for pattern in patterns.values()
    ]


def _steps(patterns: Mapping[str, Pattern[Any, Any]]) -> list[Channel]:
    return [
        Channel(
            f"steps-{service}-{name}",
            subjects.step(service, name, _JOB, _KEY),
            f"Steps of kind {name}, of the pattern {pattern.name}.",
            (Message(f"Step-{name}", f"One {name} to do.", StepMessage, input=step.input),),
            senders=("aggregator",),
            receivers=(service,),
        )
        for service, steps in steps_by_service(patterns).items()
        for name, (pattern, step) in steps.items()
    ]


def _of_a_job(executors: tuple[str, ...]) -> list[Channel]:
    """What is written of a job, and what is heard of it once that is stored."""
    start, outcome, end, hook = (Message.of(model) for model in (JobStart, Outcome, JobEnd, Hook))
    events = tuple(map(Message.of, get_args(get_args(Event)[0])))
    headers = {
        subjects.DEAD_REASON_HEADER: "A stable code.",
        subjects.DEAD_DETAIL_HEADER: "One sentence for people.",
        subjects.DEAD_SUBJECT_HEADER: "The subject it came on.",
        subjects.DEAD_STREAM_HEADER: "The stream it was in.",
        subjects.DEAD_SEQUENCE_HEADER: "Its sequence there.",
        subjects.DEAD_LENGTH_HEADER: "The body's length, where the copy was truncated to fit.",
    }
    letter = Message("DeadLetter", "A copy of the message, as it came.", headers=headers)
    return [
        Channel(
            "journal-start", subjects.journal(_JOB, START), "What the job's id stands for.", (start,), ("aggregator",)
        ),
        Channel("journal-outcome", subjects.journal(_JOB, _KEY), "Each step's outcome.", (outcome,), executors),
        Channel(
            "journal-end",
            subjects.journal(_JOB, END),
            "The one way the job ended; a cancel writes it too.",
            (end,),
            senders=("aggregator", "gateway"),
        ),
        Channel(
            "facts",
            subjects.fact(_JOB, _KEY),
            "The journal's facts, heard once they are stored.",
            (start, outcome, end),
            receivers=("aggregator", *executors),
        ),
        Channel(
            "events",
            subjects.events(_JOB),
            "Everything a caller may see of a job, in order. Read it by direct get.",
            events,
            senders=("gateway", "aggregator", *executors),
        ),
        Channel(
            "live",
            subjects.live(_JOB),
            "The job's events, heard once they are stored, with Nats-Sequence and Nats-Last-Sequence.",
            events,
            receivers=("gateway",),
        ),
        Channel(
            "hooks",
            subjects.hook(_JOB),
            "Ends of jobs that are to be delivered to a webhook.",
            (hook,),
            senders=("aggregator",),
            receivers=("aggregator",),
        ),
        Channel(
            "dead", subjects.dead(_ORIGIN), "Messages that could not be handled.", (letter,), ("aggregator", *executors)
        ),
    ]


def _endpoints(patterns: Mapping[str, Pattern[Any, Any]]) -> list[Channel]:
    nothing = Message("Nothing", "The body is not read.")
    headers = {ERROR_HEADER: "`<code>: <detail>`", ERROR_CODE_HEADER: "The HTTP status that fits."}
    refusal = Message.of(Problem, "Why the request was refused.", headers=headers)
    return [
        Channel(
            f"api-{one.name}",
            one.subject,
            one.summary,
            (Message.of(one.request, one.summary, mode="validation", headers=one.headers) if one.request else nothing,),
            receivers=("aggregator",),
            replies=(Message.of(one.reply), refusal),
            queue=subjects.API,
        )
        for one in nats_api.endpoints(patterns)
    ]
