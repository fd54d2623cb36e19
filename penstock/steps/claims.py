"""What stands in the cache for a reply: who asks for it, and where the reply will be.

`claim <tenant>.<job>.<key>` is replaced by the reply. `claim <tenant>.<job>.<key> outcome` is not: the outcome of that
step has it, since the step does nothing but ask.
"""

from pydantic import ValidationError
from pydantic_core import to_json

from penstock.contracts.journal import Outcome
from penstock.contracts.turns import Kept
from penstock.contracts.wire import JobName, is_token

#: What stands for a reply: it is being asked for; nobody asks any more; who asked has failed.
CLAIM, FREE, FAILED = b"claim ", b"free", b"failed"
_OUTCOME = b" outcome"


def claim_of(job: JobName, key: str, *, by_outcome: bool) -> bytes:
    return CLAIM + f"{job}.{key}".encode() + (_OUTCOME if by_outcome else b"")


def step_of(data: bytes) -> tuple[JobName, str] | None:
    """The step whose outcome has the reply that stands claimed; None where it has not."""
    if not (data.startswith(CLAIM) and data.endswith(_OUTCOME)):
        return None
    tenant, _, rest = data.removeprefix(CLAIM).removesuffix(_OUTCOME).decode(errors="replace").partition(".")
    job, _, key = rest.partition(".")
    return (JobName(tenant, job), key) if all(map(is_token, (tenant, job, key))) else None


def reply_in(outcome: bytes) -> bytes:
    """The reply as it would stand there itself; FREE where the step failed."""
    try:
        found = Outcome.model_validate_json(outcome)
    except ValidationError:  # a newer replica's
        return FREE
    if found.failure is not None:
        return FREE
    text = found.value if isinstance(found.value, str) else to_json(found.value).decode()
    return Kept(model=found.model or "", parts=(text,)).model_dump_json().encode()
