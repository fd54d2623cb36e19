"""The base of every model that crosses a boundary: camelCase on the wire, snake_case in Python."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel

#: A job id, step name or key: one NATS subject token that is also safe in a URL path.
TOKEN_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"  # noqa: S105  a NATS token, not a secret
Token = Annotated[str, StringConstraints(pattern=TOKEN_PATTERN)]
#: A tenant: whoever shares jobs, chats, idempotency keys and usage. One subject token.
TENANT_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"
Tenant = Annotated[str, StringConstraints(pattern=TENANT_PATTERN)]
#: That of callers who show no key, where they may call at all.
DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True)
class JobName:
    """A job's whole name; its text, `<tenant>.<id>`, is two tokens of its subjects. Callers only see the id.

    Nothing is checked here: each must be one token (`is_tenant`, `is_token`).
    """

    tenant: str
    id: str

    def __str__(self) -> str:
        return f"{self.tenant}.{self.id}"

    @property
    def about(self) -> dict[str, str]:
        """As log lines have it."""
        return {"job": self.id, "tenant": self.tenant}


def rfc3339(time: datetime) -> str:
    """A time as callers read it: UTC with `Z`, in milliseconds (what is beyond them is dropped)."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


#: A time in JSON that callers see. Unix seconds are read as well: earlier versions wrote them.
Time = Annotated[
    AwareDatetime,
    PlainSerializer(
        rfc3339, return_type=Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})], when_used="json"
    ),
]

#: A JSON number from 1 to 10: what every evaluator gives.
Score = Annotated[float, Field(ge=1, le=10)]


class Wire(BaseModel):
    """A message that is written by us and by callers: what it does not know, it refuses."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        allow_inf_nan=False,
    )


class Tolerant(Wire):
    """A message between our own services, kept for days.

    A newer replica may have written it with a field that this one does not know yet; that must not
    stop a rolling deploy, so unknown fields are ignored.
    """

    model_config = ConfigDict(extra="ignore")


def is_token(text: object) -> bool:
    """Whether `text` may be a job id, a step's name or a key."""
    return isinstance(text, str) and re.fullmatch(TOKEN_PATTERN, text) is not None


def is_tenant(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(TENANT_PATTERN, text) is not None


def omitted(**more: Any) -> Any:
    """A field that is left out of the JSON when it is None, rather than written as `null`. `more`: as for Field."""
    return Field(default=None, exclude_if=lambda value: value is None, **more)
