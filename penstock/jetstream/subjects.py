"""Every subject, stream, consumer and header, spelled once.

    stream    subjects                              written once?   republished as
    JOBS      jobs.<pattern>.<job>                  yes             -
    STEPS     steps.<service>.<pattern>.<step>
                               .<job>.<key>         while queued    -
    JOURNAL   journal.<job>.<key|start|end>         yes             facts.<job>.<...>
              journal.<job>.<kind>.<name>           yes             facts.<job>.<...>
    EVENTS    events.<job>                          no              live.<job>
              events.chat=<digest>                  no              live.chat=<digest>
    HOOKS     hooks.<job>                           while queued    -
    TIMERS    timers.<job>.set.<key>                the last counts -
              timers.<job>.due.<key>                while queued    -
    DEAD      dead.<origin subject>                 no              -

    not stored, request and reply (penstock.nats_api): penstock.submit.<pattern>, penstock.status,
    penstock.cancel, penstock.retry, penstock.signal, penstock.patterns; among aggregators (penstock.runs.versions):
    penstock.runs.<pattern>, penstock.runs.<pattern>.v=<version>

<kind> is one of wait, signal, timer, shift (penstock.contracts.waiting).

Only what a stream has *stored* is republished, so a subscriber to `facts.…` or `live.…` never receives a second
message that was refused (see docs/adr/0002).
"""

JOBS, STEPS, JOURNAL, EVENTS, DEAD, HOOKS = "JOBS", "STEPS", "JOURNAL", "EVENTS", "DEAD", "HOOKS"
TIMERS = "TIMERS"
STREAMS = JOBS, STEPS, JOURNAL, EVENTS, DEAD, HOOKS, TIMERS

#: What is republished once it is stored, as (source, destination).
FACTS = ("journal.>", "facts.>")
LIVE = ("events.>", "live.>")

#: The durable consumer of JOBS.
AGGREGATOR = "aggregator"
#: The durable consumer of the signals in JOURNAL.
SIGNALS_CONSUMER = "signals"
#: The durable consumer of what is due in TIMERS.
TIMERS_CONSUMER = "timers"
#: The durable consumer of HOOKS.
HOOKS_CONSUMER = "webhooks"
#: The name of the request-reply service, the root of its subjects, and its queue group.
API = "penstock"

#: Header of a request to submit: the job id that the caller chooses.
JOB_HEADER = "Penstock-Job"
#: Header of a job's message: the first job that it is another try at.
RETRY_HEADER = "Penstock-Retry-Of"
#: Headers of a dead letter.
DEAD_REASON_HEADER = "Penstock-Reason"
DEAD_DETAIL_HEADER = "Penstock-Detail"
DEAD_SUBJECT_HEADER = "Penstock-Subject"
DEAD_STREAM_HEADER = "Penstock-Stream"
DEAD_SEQUENCE_HEADER = "Penstock-Sequence"
#: The body's length in bytes, where the copy was truncated to fit.
DEAD_LENGTH_HEADER = "Penstock-Length"


def stream_of(subject: str) -> str:
    """The stream that stores what is published to `subject`: their names are the subjects' first tokens."""
    return subject.partition(".")[0].upper()


def tokens(subject: str) -> list[str]:
    """What follows the first token: `jobs.<pattern>.<job>` -> [pattern, job]."""
    return subject.split(".")[1:]


def job(pattern: str, job_id: str) -> str:
    return f"jobs.{pattern}.{job_id}"


def step(service: str, pattern: str, step_name: str, job_id: str, key: str) -> str:
    return f"steps.{service}.{pattern}.{step_name}.{job_id}.{key}"


def step_consumer(service: str, pattern: str, step_name: str) -> str:
    """The durable consumer of one kind of step, which so has a queue depth and a scale of its own.

    No token has a "=", so no two kinds have the same.
    """
    return f"{service}={pattern}={step_name}"


def journal(job_id: str, key: str) -> str:
    """`key` may be `<kind>.<name>`; `>` is every fact of the job."""
    return f"journal.{job_id}.{key}"


def key_of(subject: str) -> str:
    """The key of a fact, from either of its subjects."""
    return subject.split(".", 2)[2]


def fact(job_id: str, key: str) -> str:
    """Where `journal(job_id, key)` is republished."""
    return f"facts.{job_id}.{key}"


def events(job_id: str) -> str:
    return f"events.{job_id}"


def chat(digest: str) -> str:
    """Where EVENTS keeps the newest job of a chat; no job id contains "="."""
    return f"events.chat={digest}"


def live(job_id: str) -> str:
    """Where `events(job_id)` is republished."""
    return f"live.{job_id}"


def hook(job_id: str) -> str:
    return f"hooks.{job_id}"


def timer(job_id: str, key: str) -> str:
    """Where a schedule is kept until it is due."""
    return f"timers.{job_id}.set.{key}"


def due(job_id: str, key: str) -> str:
    return f"timers.{job_id}.due.{key}"


def api(*names: str) -> str:
    """`penstock.<name>…`: an endpoint of the request-reply service."""
    return ".".join((API, *names))


def runs(pattern: str, version: str | None = None) -> str:
    """Where aggregators answer that have the pattern, or this version of it."""
    return api("runs", pattern) if version is None else api("runs", pattern, f"v={version}")


def dead(subject: str) -> str:
    """Where copies of messages of `subject` are kept: they can be filtered by their origin."""
    return f"dead.{subject}"
