"""The fleet as it is just now: its processes, as each answers for itself, and what waits for them."""

from penstock.contracts.wire import Time, Tolerant, omitted


class Counts(Tolerant):
    """What a process has done since it started. Rates are the differences between two of its answers."""

    #: Jobs that it has ended.
    jobs_completed: int = 0
    jobs_failed: int = 0
    jobs_cancelled: int = 0
    #: Steps that have an outcome by it, and attempts that are made again.
    steps_completed: int = 0
    steps_failed: int = 0
    steps_retried: int = 0
    #: Requests that it has answered, and those of them that it answered with a status of 500 or above.
    requests: int = 0
    request_errors: int = 0


class ModelLimits(Tolerant):
    """What may be asked of a model at once and in a minute; what is left out has no limit."""

    concurrent: int | None = omitted()
    requests_per_minute: int | None = omitted()
    tokens_per_minute: int | None = omitted()


class ModelUse(Tolerant):
    """Permits that are lent, and calls that wait for their turn."""

    lent: int = 0
    waiting: int = 0


class Replica(Tolerant):
    """One process. `id` is made when it starts."""

    id: str
    service: str
    version: str
    host: str
    pid: int
    started_at: Time
    #: Why it takes no work just now.
    trouble: str | None = omitted()
    #: Steps, of an aggregator jobs, that it does at once, and how many of these slots are in use. A gateway has none.
    slots: int = 0
    in_use: int = 0
    #: Messages received and not settled; of a gateway, requests and streams that are being answered.
    in_flight: int = 0
    #: What it serves: steps as `<pattern>/<step>`, or, of aggregators and gateways, patterns.
    steps: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    #: By the model's name, `*` for each that is not named; of those that ask models.
    model_limits: dict[str, ModelLimits] = {}
    models: dict[str, ModelUse] = {}
    counts: Counts = Counts()


class Depth(Tolerant):
    """How much of something nobody has begun, and how much somebody has. `oldest_seconds`: how long one has waited."""

    depth: int = 0
    in_flight: int = 0
    oldest_seconds: float | None = omitted()


class Lane(Depth):
    """Of one lane (docs/adr/0028); `new` is that of jobs that no aggregator has looked at."""

    lane: str


class Queue(Depth):
    """All lanes together, and each. `served`: somebody asks for what is in it, or has some."""

    served: bool
    lanes: tuple[Lane, ...]


class StepQueue(Queue):
    """Of a kind of step."""

    service: str
    pattern: str
    step: str


class ModelStanding(ModelUse):
    """A model that has limits, or that is paused, as all that ask it share it."""

    model: str
    limits: ModelLimits = ModelLimits()
    #: What is booked of the last minute; and how many seconds ahead of now the last place is.
    calls: int = 0
    tokens: int = 0
    booked_seconds: float = 0
    #: Until when nobody asks it.
    paused_until: Time | None = omitted()


class Fleet(Tolerant):
    """What `GET /fleet` answers. A process that does not answer at once is not in it.

    `truncated`: more processes answered than it has.
    """

    at: Time
    replicas: tuple[Replica, ...]
    truncated: bool = False
    jobs: Queue
    steps: tuple[StepQueue, ...]
    models: tuple[ModelStanding, ...]
    dead_letters: int
