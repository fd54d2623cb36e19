"""Every subject, stream, consumer and header, spelled once.

    stream    subjects                              written once?   republished as
    JOBS      jobs.<tenant>.<pattern>.<job>         yes             -
    TURNS     turns.<lane>.<tenant>.<pattern>.<job> while queued    -
    STEPS     steps.<lane>.<service>.<pattern>
                .<step>.<tenant>.<job>.<key>        while queued    -
    JOURNAL   journal.<tenant>.<job>.<key>          yes             facts.<tenant>.<job>.<...>
              journal.<tenant>.<job>.<kind>.<name>  yes             facts.<tenant>.<job>.<...>
    EVENTS    events.<tenant>.<job>                 no              live.<tenant>.<job>
              events.<tenant>.chat=<digest>         no              live.<tenant>.chat=<digest>
    HOOKS     hooks.<tenant>.<job>                  while queued    -
              hooks.<tenant>.budget=<...>           while queued    -
    TIMERS    timers.<tenant>.<job>.set.<key>       the last counts -
              timers.<tenant>.<job>.due.<key>       while queued    -
    CACHE     cache.<tenant>.<hash>                 the last counts cached.<tenant>.<hash>
    USAGE     usage.<tenant>.<month>.<day>          the last counts -
              usage.place                           the last counts -
    DEAD      dead.<origin subject>                 no              -
    MODELS    models.permit.<model>.<number>        the last counts -
              models.pace.<model>                   the last counts -
              models.pause.<model>                  the last counts -
    KV_KEYS   $KV.KEYS.<id of a key>                the last counts keys.<id of a key>
    COUNTERS  counters.<what>.<...>                 the sum counts  -
    SPENDING  spending.<tenant>.<job>.<unit>.<what> the sum counts  -
    LIMITS    limits.rate.<caller>                  the last counts limited.rate.<caller>
              limits.jobs.<tenant>                  the last counts limited.jobs.<tenant>

    not stored, request and reply (penstock.nats_api): penstock.submit.<tenant>.<pattern>, penstock.status.<tenant>,
    penstock.cancel.<tenant>, penstock.retry.<tenant>, penstock.signal.<tenant>, penstock.patterns;
    among aggregators (penstock.runs.versions): penstock.runs.<pattern>[.v=<version>]; all (.fleet): penstock.fleet

A job's own <key> in JOURNAL is a step's, `start` or `end`. What a tenant may see and do is so a matter of subjects, for
NATS as well. <kind> is one of wait, signal, timer, shift (penstock.contracts.waiting), wasted, lost
(penstock.contracts.journal). <lane>: how urgent a job is, or `over` for what is beyond a tenant's share
(docs/adr/0028). A step is in one lane, and stays there.

Only what a stream has *stored* is republished, so a subscriber to `facts.…` or `live.…` never receives a second
message that was refused (see docs/adr/0002).
"""

import re

from penstock.contracts.wire import JobName

JOBS, STEPS, JOURNAL, EVENTS, DEAD, HOOKS = "JOBS", "STEPS", "JOURNAL", "EVENTS", "DEAD", "HOOKS"
TIMERS, TURNS, MODELS, CACHE = "TIMERS", "TURNS", "MODELS", "CACHE"
COUNTERS, SPENDING, LIMITS, USAGE = "COUNTERS", "SPENDING", "LIMITS", "USAGE"
KEYS = "KV_KEYS"  # the bucket, as NATS names its stream
_OF_JOBS = JOBS, TURNS, STEPS, JOURNAL, EVENTS, DEAD, HOOKS, TIMERS
STREAMS = *_OF_JOBS, MODELS, CACHE, KEYS, COUNTERS, SPENDING, LIMITS, USAGE

#: The lanes of STEPS and TURNS, and how many of each are begun for one of the last, where all have some.
HIGH, NORMAL, LOW, OVER = "high", "normal", "low", "over"
LANES = {HIGH: 8, NORMAL: 4, LOW: 2, OVER: 1}

#: What is republished once it is stored, as (source, destination).
FACTS = ("journal.>", "facts.>")
LIVE = ("events.>", "live.>")
CACHED = ("cache.>", "cached.>")
KEYS_CHANGED, LIMITS_CHANGED = ("$KV.KEYS.>", "keys.>"), ("limits.>", "limited.>")

#: In place of a tenant: what all of them share. No tenant is called so.
SHARED = "=shared"

#: In place of a job, in a filter: those of all tenants.
EVERY = JobName("*", "*")

#: The durable consumer of JOBS.
AGGREGATOR = "aggregator"
#: The durable consumer of the signals in JOURNAL.
SIGNALS_CONSUMER = "signals"
#: The durable consumer of what is due in TIMERS.
TIMERS_CONSUMER = "timers"
#: The durable consumer of HOOKS.
HOOKS_CONSUMER = "webhooks"
#: The name of the request-reply service, the root of its subjects, and its queue group; where every process answers.
API, FLEET = "penstock", "penstock.fleet"

#: Header of a request to submit: the job id that the caller chooses.
JOB_HEADER = "Penstock-Job"
#: Header of a job's message: the first job that it is another try at.
RETRY_HEADER = "Penstock-Retry-Of"
#: The key that a job was submitted with (PayingKey), of its message.
KEY_HEADER = "Penstock-Key"
#: Headers of a dead letter.
DEAD_REASON_HEADER = "Penstock-Reason"
DEAD_DETAIL_HEADER = "Penstock-Detail"
DEAD_SUBJECT_HEADER = "Penstock-Subject"
DEAD_STREAM_HEADER = "Penstock-Stream"
DEAD_SEQUENCE_HEADER = "Penstock-Sequence"
#: The body's length in bytes, where the copy was truncated to fit.
DEAD_LENGTH_HEADER = "Penstock-Length"


def stream_of(subject: str) -> str:
    """The stream that stores what is published to `subject`: their names are the subjects' first tokens.

    That of a bucket is named by the first two.
    """
    first, _, others = subject.partition(".")
    return f"KV_{others.partition('.')[0]}" if first == "$KV" else first.upper()


def tokens(subject: str) -> list[str]:
    """What follows the first token: `hooks.<tenant>.<job>` -> [tenant, job]."""
    return subject.split(".")[1:]


def job(pattern: str, name: JobName) -> str:
    return f"jobs.{name.tenant}.{pattern}.{name.id}"


def of_job(subject: str) -> tuple[str, JobName]:
    """(pattern, job) of what is in JOBS or TURNS."""
    tenant, pattern, job_id = tokens(subject)[-3:]
    return pattern, JobName(tenant, job_id)


def turn(lane: str, pattern: str, name: JobName) -> str:
    """Where a job waits that is in JOBS, and that nobody had room for when it came."""
    return f"turns.{lane}.{name.tenant}.{pattern}.{name.id}"


def turns_consumer(lane: str) -> str:
    """The durable consumer of a lane of TURNS."""
    return f"turns={lane}"


def step(service: str, pattern: str, step_name: str, name: JobName, key: str, *, lane: str = NORMAL) -> str:
    return f"steps.{lane}.{service}.{pattern}.{step_name}.{name}.{key}"


def lane_of(subject: str) -> str:
    """The lane of what is in STEPS or TURNS."""
    return tokens(subject)[0]


def of_step(subject: str) -> tuple[str, str, str, JobName, str]:
    """(service, pattern, step, job, key) of what is in STEPS."""
    _, service, pattern, step_name, tenant, job_id, key = tokens(subject)
    return service, pattern, step_name, JobName(tenant, job_id), key


def step_consumer(service: str, pattern: str, step_name: str, lane: str = NORMAL) -> str:
    """The durable consumer of a lane of one kind of step, which so has a queue depth and a scale of its own.

    No token has a "=", so no two have the same.
    """
    return f"{service}={pattern}={step_name}={lane}"


def journal(name: JobName, key: str) -> str:
    """`key` may be `<kind>.<name>`; `>` is every fact of the job."""
    return f"journal.{name}.{key}"


def key_of(subject: str) -> str:
    """The key of a fact, from either of its subjects."""
    return subject.split(".", 3)[3]


def fact(name: JobName, key: str) -> str:
    """Where `journal(name, key)` is republished."""
    return f"facts.{name}.{key}"


def events(name: JobName) -> str:
    return f"events.{name}"


def chat(tenant: str, digest: str) -> str:
    """Where EVENTS keeps the newest job of a chat; no job id contains "="."""
    return f"events.{tenant}.chat={digest}"


def live(name: JobName) -> str:
    """Where `events(name)` is republished."""
    return f"live.{name}"


def hook(name: JobName) -> str:
    return f"hooks.{name}"


def budget_hook(tenant: str, key: str | None, unit: str, window: str) -> str:
    """What is told of a budget; no job id contains "="."""
    return f"hooks.{tenant}.budget={f'{key}=' if key else ''}{unit}={window}"


def of_hook(subject: str) -> JobName:
    """The job, or what is there in place of its id."""
    return JobName(*tokens(subject))


def timer(name: JobName, key: str) -> str:
    """Where a schedule is kept until it is due."""
    return f"timers.{name}.set.{key}"


def due(name: JobName, key: str) -> str:
    return f"timers.{name}.due.{key}"


def of_wake_up(subject: str) -> tuple[JobName, str, str]:
    """(job, kind, key) of a signal, or of what is due."""
    tenant, job_id, kind, key = tokens(subject)
    return JobName(tenant, job_id), kind, key


def named_in(subject: str) -> JobName | None:
    """The job that the subject of a job, a step or a hook names; None for any other."""
    readers = {
        "jobs": lambda: of_job(subject)[1],
        "turns": lambda: of_job(subject)[1],
        "steps": lambda: of_step(subject)[3],
        "hooks": lambda: of_hook(subject),
    }
    try:
        return readers[subject.partition(".")[0]]()
    except (KeyError, TypeError, ValueError):
        return None


def cached(scope: str, key: str) -> str:
    """Where a model's reply is kept. `scope`: a tenant, or SHARED."""
    return f"cache.{scope}.{key}"


def told(scope: str, key: str) -> str:
    """Where that is republished."""
    return f"cached.{scope}.{key}"


def key(key_id: str) -> str:
    """Where the bucket KEYS has what is known of a caller's key."""
    return f"$KV.KEYS.{key_id}"


def model_permit(model: str, number: int | str) -> str:
    """One of a model's permits, by its number (penstock.llm.limits). Here and below "*" is any."""
    return f"models.permit.{_token(model)}.{number}"


def model_permits_consumer(model: str) -> str:
    """The durable consumer that lends a model's permits."""
    return f"permits={_token(model)}"


def model_pace(model: str) -> str:
    return f"models.pace.{_token(model)}"


def model_pause(model: str) -> str:
    return f"models.pause.{_token(model)}"


def counter(*names: str, job: str | None = None) -> str:
    """A number that grows (penstock.jetstream.counters); those of jobs are many, and are to push out no others."""
    return ".".join(("counters", *names) if job is None else ("spending", job, *names))


def rate(caller: str) -> str:
    """What a caller has used of its rate; `caller` is one token."""
    return f"limits.rate.{caller}"


def places(tenant: str) -> str:
    """The jobs of a tenant that have a place."""
    return f"limits.jobs.{tenant}"


def usage(tenant: str, day: str) -> str:
    """What a tenant used on a day, such as 2026-11-25; of a month: 2026-11-*."""
    month, _, day_of_month = day.rpartition("-")
    return f"usage.{tenant}.{month}.{day_of_month}"


#: Up to where the journal is in USAGE.
USAGE_PLACE = "usage.place"


def api(*names: str) -> str:
    """`penstock.<name>…`: an endpoint of the request-reply service."""
    return ".".join((API, *names))


def runs(pattern: str, version: str | None = None) -> str:
    """Where aggregators answer that have the pattern, or this version of it."""
    return api("runs", pattern) if version is None else api("runs", pattern, f"v={version}")


def dead(subject: str) -> str:
    """Where copies of messages of `subject` are kept: they can be filtered by their origin."""
    return f"dead.{subject}"


def _token(name: str) -> str:
    """A name that may have any characters, as one token: what is no letter, digit, "-" or "_" as "=<hex>="."""
    return name if name == "*" else re.sub(r"[^A-Za-z0-9_-]", lambda found: f"={ord(found[0]):x}=", name)
