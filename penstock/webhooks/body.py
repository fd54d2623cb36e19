"""The body of a webhook, from the job's end in the journal."""

from typing import Any

from penstock.contracts.journal import JobEnd
from penstock.contracts.webhook import EndedJob, WebhookBody


def body(job: str, end: JobEnd, limit: int) -> bytes:
    """The end as JSON. Above `limit` bytes it goes without the result, and the problem if need be."""
    described: dict[str, Any] = {"id": job, "pattern": end.pattern, "status": end.status, "usage": end.usage}
    whole = EndedJob(**described, result=end.result, problem=end.problem, missing=end.missing)
    for data in (whole, whole.model_copy(update={"result": None, "truncated": True})):
        encoded = _encoded(data, end)
        if len(encoded) <= limit:
            return encoded
    return _encoded(EndedJob(**described, truncated=True), end)


def webhook_id(job: str) -> str:
    """The same for every try of every replica: receivers know a repetition by it."""
    return f"end_{job}"


def _encoded(data: EndedJob, end: JobEnd) -> bytes:
    kind: Any = f"job.{data.status}"
    return WebhookBody(type=kind, timestamp=end.ended_at, data=data).model_dump_json().encode()
