"""The table of channels: which service sends what where, and who receives it. AsyncAPI is made from it.

Addresses come from penstock.jetstream.subjects, the kinds of jobs and steps from the patterns. The request-reply
service (penstock.nats_api.endpoints) answers the endpoints of this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nats.micro.request import ERROR_CODE_HEADER, ERROR_HEADER
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from penstock import correlation
from penstock.contracts.events import EVENTS, SubmissionRefused
from penstock.contracts.fleet import Replica
from penstock.contracts.job import JobReference, JobState, PatternList
from penstock.contracts.journal import END, START, JobEnd, JobStart, Outcome, Wasted, lost_key, wasted_key
from penstock.contracts.problem import Problem
from penstock.contracts.step import StepMessage
from penstock.contracts.turns import Kept
from penstock.contracts.waiting import (
    Shift,
    Signal,
    SignalRequest,
    TimerFired,
    Waiting,
    shift_key,
    signal_key,
    timer_key,
    wait_key,
)
from penstock.contracts.webhook import Hook
from penstock.contracts.wire import JobName
from penstock.jetstream import subjects
from penstock.jetstream.releases import VERSION_HEADER
from penstock.pattern import Pattern
from penstock.patterns.loading import steps_by_service
from penstock.usage.folding import DayTotals, Place

_RUNS, _SERVES = ("aggregator",), ("gateway",)
#: A place in an address, for each variable token of a subject.
LANE = "{lane}"
_ATTEMPT = "{attempt}"
_KEY, _ORIGIN, _SIGNAL, _NUMBER, _HASH = "{key}", "{origin}", "{signal}", "{number}", "{hash}"
_CALLER, _COUNTER, _MODEL, _PERMIT = "{caller}", "{counter}", "{model}", "{permit}"
_TENANT, _JOB = "{tenant}", JobName("{tenant}", "{job}")
PARAMETERS = {
    "tenant": "Whose job it is: 1 to 32 of a-z 0-9 -; `default` where there are no keys.",
    "lane": "high, normal or low, as the job's urgency; over where the tenant has its share.",
    "job": "The job's id: 1 to 64 of A-Z a-z 0-9 _ -.",
    "key": "The step's key, unique in its job.",
    "signal": "The signal's name.",
    "number": "0, 1, 2 …: one with an even number parks the job, the next resumes it.",
    "hash": "SHA-256 of a question, in hex.",
    "caller": "Who makes requests: a key, or an address.",
    "model": "The model's name, as a token.",
    "permit": "The permit's number.",
    "counter": "What is counted, in as many tokens as it takes.",
    "origin": "The subject of the message that could not be handled.",
}


@dataclass(frozen=True)
class Message:
    """A kind of message. `model` None: bytes of any kind. `input` narrows a step message's input."""

    name: str
    summary: str
    model: type[BaseModel] | None = None
    mode: JsonSchemaMode = "serialization"
    input: type[BaseModel] | None = None
    #: Headers by name, each with its meaning.
    headers: Mapping[str, str] | None = None

    @classmethod
    def of(cls, model: type[BaseModel], summary: str | None = None, **more: Any) -> "Message":
        """Named like its model; its summary is the first line of the model's docstring."""
        described = summary or (model.__doc__ or model.__name__).strip().splitlines()[0]
        return cls(model.__name__, described, model, **more)


_WRITTEN_BY = {VERSION_HEADER: "The release that wrote it: what a newer one wrote, an older one may leave to it."}
_CAME_OF = {
    **_WRITTEN_BY,
    correlation.REQUEST_ID: "The request that the job comes of, as logs and problems name it.",
    correlation.TRACEPARENT: "Its place in a trace (W3C Trace Context).",
}


@dataclass(frozen=True)
class Channel:
    """A subject, or many of one kind. `name` is its key in the document; services are named as in the fleet."""

    name: str
    address: str
    summary: str
    messages: tuple[Message, ...]
    senders: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    #: What an endpoint of the request-reply service answers: the reply, or a refusal.
    replies: tuple[Message, ...] = ()


def channels(patterns: Mapping[str, Pattern[Any, Any]]) -> list[Channel]:
    """All channels of a fleet that serves `patterns`."""
    executors = steps_by_service(patterns)
    paid = {subjects.KEY_HEADER: "The key that it was submitted with, and its budgets: JSON with id and budgets."}
    retries = {subjects.RETRY_HEADER: "The first job that this one is another try at.", **paid, **_CAME_OF}
    jobs = [
        Channel(
            f"jobs-{name}",
            subjects.job(name, _JOB),
            f"Jobs: {one.summary}",
            (_request(one, headers=retries),),
            _SERVES + _RUNS,
            _RUNS,
        )
        for name, one in patterns.items()
    ]
    turns = [
        Channel(
            f"turns-{name}",
            subjects.turn(LANE, name, _JOB),
            f"Jobs that wait for their turn: {one.summary}",
            (Message("Turn", "The body is not read.", headers=retries),),
            _RUNS,
            _RUNS,
        )
        for name, one in patterns.items()
    ]
    steps = [
        Channel(
            f"steps-{service}-{pattern.name}-{step.name}",
            subjects.step(service, pattern.name, step.name, _JOB, _KEY, lane=LANE),
            f"Steps of kind {step.name}, of the pattern {pattern.name}.",
            (
                Message(
                    f"Step-{pattern.name}-{step.name}",
                    f"One {step.name} to do.",
                    StepMessage,
                    input=step.input,
                    headers=_CAME_OF,
                ),
            ),
            senders=_RUNS,
            receivers=(service,),
        )
        for service, executed in executors.items()
        for pattern, step in executed.values()
    ]
    services = tuple(executors)
    return [*jobs, *turns, *steps, *_of_a_job(services), *_of_limits(services), _fleet(services), *endpoints(patterns)]


def _request(pattern: Pattern[Any, Any], **more: Any) -> Message:
    return Message.of(pattern.request, pattern.summary, mode="validation", **more)


def _fact(model: type[BaseModel]) -> Message:
    """What is written once."""
    return Message.of(model, headers=_WRITTEN_BY)


def _of_a_job(executors: tuple[str, ...]) -> list[Channel]:
    """What is stored of a job, and of what models replied, and where that is republished."""
    start, outcome, end, hook = (_fact(model) for model in (JobStart, Outcome, JobEnd, Hook))
    wasted, totals = _fact(Wasted), Message.of(DayTotals)
    wait, signal, fired, shift = (_fact(model) for model in (Waiting, Signal, TimerFired, Shift))
    schedule = Message("Schedule", "When what is `due` is to be published, in the headers of ADR-51 of NATS.")
    due = Message("Due", "The body is not read.")
    events = tuple(map(Message.of, (*EVENTS, SubmissionRefused)))
    headers = _WRITTEN_BY | {
        subjects.DEAD_REASON_HEADER: "A stable code.",
        subjects.DEAD_DETAIL_HEADER: "One sentence for people.",
        subjects.DEAD_SUBJECT_HEADER: "The subject it came on.",
        subjects.DEAD_STREAM_HEADER: "The stream it was in.",
        subjects.DEAD_SEQUENCE_HEADER: "Its sequence there.",
        subjects.DEAD_LENGTH_HEADER: "The body's length, where the copy was truncated to fit.",
    }
    letter = Message("DeadLetter", "A copy of the message, as it came.", headers=headers)
    replies = (
        Message.of(Kept),
        Message("Claim", "Text: which step asks, and whether its outcome has the reply; or that nobody asks."),
    )
    works = _RUNS + executors
    ended = "The one way the job ended; a cancel writes it too."
    facts = "The journal's facts, republished once they are stored."
    stored = "Everything a caller may see of a job, in order, an event a line. Read it by direct get."
    live = "The same, republished once it is stored, with Nats-Sequence and Nats-Last-Sequence."
    return [
        Channel("journal-start", subjects.journal(_JOB, START), "What the job's id stands for.", (start,), _RUNS),
        Channel("journal-outcome", subjects.journal(_JOB, _KEY), "Each step's outcome.", (outcome,), works),
        Channel("journal-wait", subjects.journal(_JOB, wait_key(_KEY)), "What the run waits for.", (wait,), _RUNS),
        Channel(
            "journal-signal", subjects.journal(_JOB, signal_key(_SIGNAL)), "Signals.", (signal,), _RUNS + _SERVES, _RUNS
        ),
        Channel("journal-timer", subjects.journal(_JOB, timer_key(_KEY)), "The time of a wait.", (fired,), _RUNS),
        Channel("journal-shift", subjects.journal(_JOB, shift_key(_NUMBER)), "Who works on it.", (shift,), _RUNS),
        Channel("timers", subjects.timer(_JOB, _KEY), "What is due, and when.", (schedule,), _RUNS),
        Channel("due", subjects.due(_JOB, _KEY), "Published by NATS when it is time.", (due,), (), _RUNS),
        Channel("journal-wasted", subjects.journal(_JOB, wasted_key(_ATTEMPT)), "What it cost.", (wasted,), executors),
        Channel("journal-lost", subjects.journal(_JOB, lost_key(_ATTEMPT)), "That nobody knows.", (wasted,), executors),
        Channel("usage", subjects.usage(_TENANT, "{month}-{day}"), "What was used on it.", (totals,), _RUNS + _SERVES),
        Channel("usage-place", subjects.USAGE_PLACE, "Up to where that is so.", (Message.of(Place),), _RUNS + _SERVES),
        Channel("journal-end", subjects.journal(_JOB, END), ended, (end,), _RUNS + _SERVES),
        Channel(
            "facts", subjects.fact(_JOB, _KEY), facts, (start, outcome, end, wait, signal, fired, shift), (), works
        ),
        Channel("events", subjects.events(_JOB), stored, events, _SERVES + works),
        Channel("live", subjects.live(_JOB), live, events, (), _SERVES),
        Channel("hooks", subjects.hook(_JOB), "Webhooks to be delivered.", (hook,), _SERVES + works, _RUNS),
        Channel("cache", subjects.cached(_TENANT, _HASH), "Replies of models.", replies, executors),
        Channel("cached", subjects.told(_TENANT, _HASH), "The same, once it is stored.", replies, (), executors),
        Channel("dead", subjects.dead(_ORIGIN), "Messages that could not be handled.", (letter,), works),
    ]


def _of_limits(executors: tuple[str, ...]) -> list[Channel]:
    used = Message("Used", "When the caller's requests were let through: pairs of Unix milliseconds and a number.")
    held = Message("Places", "The tenant's jobs that have a place, each with the time of its submission.")
    permit = Message("Permit", "The body is not read: who holds the message may make a call.")
    booked = Message("Booked", "What is booked of the model's minute, by the second: calls and tokens.")
    pause = Message("Pause", "Until when nobody asks the model, and how its calls begin again.")
    models = subjects.model_pause("*").removesuffix("pause.*")
    added = Message("Added", "What is added, in the header Nats-Incr (ADR-49 of NATS).")
    return [
        Channel("limits-rate", subjects.rate(_CALLER), "How a caller stands.", (used,), _SERVES),
        Channel("limits-jobs", subjects.places(_TENANT), "Which jobs of a tenant are on.", (held,), _SERVES + _RUNS),
        Channel("limited-rate", f"limited.rate.{_CALLER}", "The same, once it is stored.", (used,), (), _SERVES),
        Channel(
            "limited-jobs", f"limited.jobs.{_TENANT}", "The same, once it is stored.", (held,), (), _SERVES + _RUNS
        ),
        Channel(
            "counters", subjects.counter(_COUNTER), "Numbers that all add to.", (added,), _SERVES + _RUNS + executors
        ),
        Channel("spending", subjects.counter(_COUNTER, job=str(_JOB)), "What jobs spend.", (added,), executors),
        Channel(
            "models-permit", f"{models}permit.{_MODEL}.{_PERMIT}", "Lent by NATS.", (permit,), executors, executors
        ),
        Channel("models-pace", f"{models}pace.{_MODEL}", "When calls may begin.", (booked,), executors),
        Channel(
            "models-pause", f"{models}pause.{_MODEL}", "A model that answered 429.", (pause,), executors, executors
        ),
    ]


def _fleet(executors: tuple[str, ...]) -> Channel:
    nothing, everybody = Message("Anybody", "The body is not read."), _RUNS + _SERVES + executors
    asked = "Every process answers for itself; no tenant's account imports it."
    return Channel("fleet", subjects.FLEET, asked, (nothing,), _SERVES, everybody, replies=(Message.of(Replica),))


def endpoints(patterns: Mapping[str, Pattern[Any, Any]]) -> list[Channel]:
    """The request-reply service: a submission for each pattern, and four endpoints more."""
    job_id = {subjects.JOB_HEADER: "The job's id, if the caller chooses it.", **_CAME_OF}
    reference = Message.of(JobReference, mode="validation")
    nothing = Message("Nothing", "The body is not read.")
    state = "A job's state, its steps, and its result or problem once it has ended."
    said = "Say something to a job that waits for it, or will; answers what counts: the first."
    end = "End a job as cancelled, unless it has ended; answers its state after that."
    again = "Submit a job that failed, or was cancelled, once more; answers the new job's state."
    return [
        *(
            _endpoint(one.summary, _request(one, headers=job_id), JobState, "submit", _TENANT, name)
            for name, one in patterns.items()
        ),
        _endpoint(state, reference, JobState, "status", _TENANT),
        _endpoint(end, reference, JobState, "cancel", _TENANT),
        _endpoint(said, Message.of(SignalRequest, mode="validation"), Signal, "signal", _TENANT),
        _endpoint(again, reference, JobState, "retry", _TENANT),
        _endpoint("The patterns there are, with their contracts.", nothing, PatternList, "patterns"),
    ]


def _endpoint(summary: str, request: Message, reply: type[BaseModel], *names: str) -> Channel:
    headers = {ERROR_HEADER: "`<code>: <detail>`", ERROR_CODE_HEADER: "The HTTP status that fits."}
    refusal = Message.of(Problem, "Why the request was refused.", headers=headers)
    name, replies = "-".join(("api", *(one for one in names if one != _TENANT))), (Message.of(reply), refusal)
    return Channel(name, subjects.api(*names), summary, (request,), receivers=_RUNS, replies=replies)
