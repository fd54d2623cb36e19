"""`options`: what every request may say about how its job is run."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from penstock.contracts.wire import Wire, omitted

Priority = Literal["speed", "quality"]
Urgency = Literal["high", "normal", "low"]
#: Seconds that a job may have at most.
LONGEST_DEADLINE = 86_400


def _callable(url: str) -> str:
    """Refuses what no deployment would call; what this one permits is decided by `penstock.webhooks`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("no URL") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise ValueError("an https URL with a host is needed")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL with a user name or password is not called; the signature is the authentication")
    if parts.fragment or any(character <= " " or character == "\x7f" for character in url):
        raise ValueError("no fragments, blanks or control characters")
    return url


WebhookUrl = Annotated[str, Field(max_length=2048, json_schema_extra={"format": "uri"}), AfterValidator(_callable)]


def _number(value: object) -> object:
    """What looks like one is none: it could be a mistake, and costs money."""
    if isinstance(value, bool | str):
        raise ValueError("a number is needed")
    return value


_Number = BeforeValidator(_number)


class Budget(Wire):
    """What all calls of a job may cost together, thinking included; with both, neither is exceeded."""

    tokens: Annotated[int | None, _Number] = omitted(gt=0, le=10**12, description="Tokens, thinking included.")
    usd: Annotated[float | None, _Number] = omitted(gt=0, le=10**6, description="US dollars at list prices.")


class Options(Wire):
    """Options of every pattern; a pattern with more of its own extends this."""

    priority: Priority | None = omitted(
        description="`quality`: the complex tier, and more thinking. `speed`: the fast tier, and less thinking."
    )
    model: str | None = omitted(
        min_length=1,
        max_length=128,
        description="`fast` or `complex`: that tier for every step; or one model by its name, and no other.",
    )
    urgency: Urgency = Field(
        "normal",
        description="Whose turn it is where there is more to do than the fleet can: `high` goes before `normal` and "
        "`low`, without stopping them.",
    )
    deadline_seconds: float | None = omitted(
        gt=0, le=LONGEST_DEADLINE, description="Seconds the job has from its submission, without those it waits."
    )
    deadline_counts: Literal["work", "all"] | None = omitted(
        description="`work`, or none: not the time in which the job only waits for signals and time. `all`: that too."
    )
    cache: bool = Field(
        default=True,
        exclude_if=bool,
        description="Take replies of models that are kept, and keep new ones. If not, models are asked anew.",
    )
    budget: Budget | None = omitted(
        description="What the job may spend; a call that might exceed it is not made, and its step fails."
    )
    webhook: WebhookUrl | None = omitted(
        description="https URL that the job's end is sent to, in the form of Standard Webhooks."
    )

    def for_steps(self, whole: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Fields of the messages of its steps (StepMessage). Of a part, by `whole`, those of the pattern it is in."""
        own = {"priority": self.priority, "model": self.model, "cache": self.cache, "budget": self.budget}
        if whole is None:
            return own
        chosen = {name: own[name] or whole[name] for name in ("priority", "model")}
        return chosen | {"cache": own["cache"] and whole["cache"], "budget": whole["budget"]}


class PatternRequest(Wire):
    """The base of every pattern's request."""

    options: Options = Field(default=Options(), description="How the job is run.")
