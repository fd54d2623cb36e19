"""RFC 9457 problem objects: the form of every failure, over HTTP and in events."""

from penstock.contracts.wire import Time, Tolerant, omitted


class FieldError(Tolerant):
    """One thing wrong with the input."""

    #: RFC 6901 pointer into the request body.
    pointer: str
    detail: str


class Problem(Tolerant):
    """`code` is stable and part of the interface; `title` and `detail` are for people and may change."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    #: The key of the step that failed, where one did.
    step: str | None = omitted()
    errors: tuple[FieldError, ...] | None = omitted()
    instance: str | None = omitted()
    #: When it was found, in which job, and in answer to which request, or one that the job came of.
    timestamp: Time | None = omitted()
    job: str | None = omitted()
    request_id: str | None = omitted()

    def __str__(self) -> str:
        """In one line: code, what happened, in which step."""
        return f"{self.code}: {self.detail or self.title}" + (f" (step {self.step})" if self.step else "")
