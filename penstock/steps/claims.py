"""What stands in the cache for a reply: who asks for it, and where the reply will be.

`claim <tenant>.<job>.<key>` is replaced by the reply. With ` text <attempt>` or ` json <attempt>` behind it, it is not:
the step does nothing but ask, and the outcome that this attempt writes has the reply, as a text or as JSON. Another
attempt may have asked something else: another model, say.
"""

from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import to_json

from penstock.contracts.journal import Outcome
from penstock.contracts.turns import Kept
from penstock.contracts.wire import JobName, is_token

#: What stands for a reply: it is being asked for; nobody asks any more; who asked has failed.
CLAIM, FREE, FAILED = b"claim ", b"free", b"failed"
#: How an outcome has it.
_TEXT, _JSON = "text", "json"


@dataclass(frozen=True, slots=True)
class Claim:
    """Of an attempt at a step. `value_is`: how its outcome has the reply; None where that is stored by itself."""

    job: JobName
    key: str
    value_is: str | None = None
    attempt: str = ""

    @classmethod
    def of(cls, job: JobName, key: str, attempt: str, output: type | None) -> "Claim":
        """`output`: of a step that does nothing but ask, else None."""
        return cls(job, key) if output is None else cls(job, key, _TEXT if output is str else _JSON, attempt)

    @classmethod
    def read(cls, data: bytes) -> "Claim | None":
        """None for what is no claim."""
        step, *rest = data.removeprefix(CLAIM).decode(errors="replace").split(" ")
        tenant, _, name = step.partition(".")
        job, _, key = name.partition(".")
        if not (data.startswith(CLAIM) and all(map(is_token, (tenant, job, key)))):
            return None
        match rest:
            case []:
                return cls(JobName(tenant, job), key)
            case ["text" | "json" as value_is, attempt]:
                return cls(JobName(tenant, job), key, value_is, attempt)
        return None

    def __bytes__(self) -> bytes:
        how = f" {self.value_is} {self.attempt}" if self.by_outcome else ""
        return CLAIM + f"{self.job}.{self.key}{how}".encode()

    @property
    def by_outcome(self) -> bool:
        """Whether the outcome has the reply, once it is stored."""
        return self.value_is is not None

    def is_of(self, other: "Claim") -> bool:
        """Whether both are of one step."""
        return (self.job, self.key) == (other.job, other.key)

    def reply_in(self, outcome: bytes) -> bytes:
        """The reply as it would stand there itself. FAILED where the step has; FREE where another attempt wrote it."""
        try:
            found = Outcome.model_validate_json(outcome)
        except ValidationError:  # a newer replica's
            return FREE
        if found.failure is not None:
            return FAILED
        if found.i != self.attempt:
            return FREE
        text = found.value if self.value_is == _TEXT else to_json(found.value).decode()
        return Kept(model=found.model or "", parts=(text,)).model_dump_json().encode()
