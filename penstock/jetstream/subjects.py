"""Every subject, stream, consumer and header, spelled once.

    stream    subjects                              written once?   republished as
    JOBS      jobs.<pattern>.<job>                  yes             -
    STEPS     steps.<service>.<step>.<job>.<key>    while queued    -
    JOURNAL   journal.<job>.<key|start|end>         yes             facts.<job>.<...>
    EVENTS    events.<job>                          no              live.<job>
    HOOKS     hooks.<job>                           while queued    -
    DEAD      dead.<origin subject>                 no              -

    not stored, request and reply (penstock.nats_api): penstock.submit.<pattern>, penstock.status,
    penstock.cancel, penstock.patterns

A republished subject carries only what a stream has *stored*: to whoever listens there, the message
is the fact itself, never somebody's refused second try (see docs/adr/0002).
"""

STREAMS = JOBS, STEPS, JOURNAL, EVENTS, DEAD, HOOKS = "JOBS", "STEPS", "JOURNAL", "EVENTS", "DEAD", "HOOKS"

#: What is republished, as (source, destination): a fact or event is heard there once it is stored.
FACTS = ("journal.>", "facts.>")
LIVE = ("events.>", "live.>")

#: The durable consumer of JOBS.
AGGREGATOR = "aggregator"
#: The durable consumer of HOOKS.
HOOKS_CONSUMER = "webhooks"
#: The name of the request-reply service, the root of its subjects, and its queue group.
API = "penstock"

#: Header of a request to submit: the job id that the caller chooses.
JOB_HEADER = "Penstock-Job"
#: Headers of a dead letter.
DEAD_REASON_HEADER = "Penstock-Reason"
DEAD_DETAIL_HEADER = "Penstock-Detail"
DEAD_SUBJECT_HEADER = "Penstock-Subject"
DEAD_STREAM_HEADER = "Penstock-Stream"
DEAD_SEQUENCE_HEADER = "Penstock-Sequence"
#: The body's length in bytes, where the copy was cut to fit.
DEAD_LENGTH_HEADER = "Penstock-Length"

#: The server's answer to a second message on a write-once subject ("maximum messages per subject exceeded").
ERR_SUBJECT_TAKEN = 10077
#: The same number says that a stream is full, or could not store; only the description tells them apart.
SUBJECT_TAKEN_DESCRIPTION = "per subject"


def stream_of(subject: str) -> str:
    """The stream that stores what is published to `subject`: their names are the subjects' first tokens."""
    return subject.partition(".")[0].upper()


def job(pattern: str, job_id: str) -> str:
    return f"jobs.{pattern}.{job_id}"


def parse_job(subject: str) -> tuple[str, str]:
    """`jobs.<pattern>.<job>` -> (pattern, job)."""
    _, pattern, job_id = subject.split(".")
    return pattern, job_id


def step(service: str, step_name: str, job_id: str, key: str) -> str:
    return f"steps.{service}.{step_name}.{job_id}.{key}"


def parse_step(subject: str) -> tuple[str, str, str, str]:
    """`steps.<service>.<step>.<job>.<key>` -> (service, step, job, key)."""
    _, service, step_name, job_id, key = subject.split(".")
    return service, step_name, job_id, key


def step_filter(service: str, step_name: str) -> str:
    return f"steps.{service}.{step_name}.*.*"


def step_consumer(service: str, step_name: str) -> str:
    """The durable of one kind of step: its own queue depth, its own scale."""
    return f"{service}-{step_name}"


def journal(job_id: str, key: str) -> str:
    return f"journal.{job_id}.{key}"


def fact(job_id: str, key: str) -> str:
    """Where `journal(job_id, key)` is heard once it is stored."""
    return f"facts.{job_id}.{key}"


def events(job_id: str) -> str:
    return f"events.{job_id}"


def chat(digest: str) -> str:
    """Where EVENTS keeps which job a chat has come to; "=" is in no job id."""
    return f"events.chat={digest}"


def live(job_id: str) -> str:
    """Where `events(job_id)` is heard once it is stored."""
    return f"live.{job_id}"


def hook(job_id: str) -> str:
    return f"hooks.{job_id}"


def parse_hook(subject: str) -> str:
    """`hooks.<job>` -> job."""
    return subject.split(".")[1]


def api(*names: str) -> str:
    """`penstock.<name>…`: an endpoint of the request-reply service."""
    return ".".join((API, *names))


def dead(subject: str) -> str:
    """Dead letters keep their origin in the subject, so they can be filtered by it."""
    return f"dead.{subject}"
