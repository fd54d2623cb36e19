"""The catalogue of error codes: what each means, and what a caller can do. docs/errors.md is made from it.

Codes are part of the interface and never change; titles and advice may.
"""

from typing import NamedTuple


class Code(NamedTuple):
    """`status` is the HTTP status; `advice` says what the caller should do.

    `retry_after`: seconds after which the same request may well be served.
    """

    status: int
    title: str
    advice: str
    retry_after: int | None = None


_AGAIN = "Try again: the same request is one job under the same key or id."
_RETRY = "Retry the job, later: what it has finished is not paid again (`POST /jobs/<id>/retry`)."
_ASK_ELSE = "Ask for something else; asked again as it is, it will most likely fail again."
_OPERATOR = "Nothing a caller can do: whoever runs the system has to look at it."

#: A request is not served. As a rule no job came of it; `job_cancelled` answers for one that there was.
REFUSALS: dict[str, Code] = {
    "invalid_parameter": Code(400, "A parameter or header is wrong", "Correct the one that `errors` names."),
    "bad_request": Code(400, "The request is malformed", "Correct it as `detail` says."),
    "unauthorized": Code(
        401, "A valid key is needed", "Send `Authorization: Bearer <key>`; `penstock keys` makes keys."
    ),
    "forbidden": Code(403, "The key does not allow it", "Ask with a key that does; `detail` says which."),
    "origin_not_allowed": Code(
        403, "Another site's page sent it", "Send it from a served host, or allow it: PENSTOCK_CORS_ORIGINS."
    ),
    "unknown_job": Code(404, "There is no such job", "Check the id; jobs are kept for 7 days."),
    "unknown_step": Code(404, "The job has no such step", "Use a key of its steps: `GET /jobs/<id>` lists those done."),
    "unknown_dead_letter": Code(404, "There is no such dead letter", "Check the number; they are kept for 30 days."),
    "unknown_pattern": Code(404, "There is no such pattern", "Use one of those that `detail` lists."),
    "unknown_signal": Code(404, "The job's pattern has no such signal", "Use one of those that `detail` lists."),
    "not_found": Code(404, "There is nothing at this path", "`GET /` lists what there is."),
    "method_not_allowed": Code(405, "The path has no such method", "Use one that the header `Allow` names."),
    "body_timeout": Code(408, "The body did not come in time", "Send the whole body within 60 s of the headers."),
    "job_cancelled": Code(409, "The job was cancelled", "Submit it anew if its result is still wanted."),
    "job_ended": Code(409, "The job has ended", "Nothing more can be said to it."),
    "signal_taken": Code(409, "The signal was given before", "The first one counts; `GET /jobs/<id>` shows the job."),
    "too_many_signals": Code(409, "The job was given as much as it may be", "A job has 500 signals, 4 MiB in all."),
    "not_replayable": Code(409, "The dead letter cannot be replayed", "Do as `detail` says."),
    "not_failed": Code(409, "The job has not failed", "Retry jobs that have failed, or were cancelled."),
    "body_too_large": Code(413, "The body is too large", "Send less; `detail` has the limit."),
    "unsupported_media_type": Code(415, "The body must be plain JSON", "Send `application/json`, not encoded."),
    "host_not_allowed": Code(421, "The host is not served here", "Use another, or allow it: PENSTOCK_ALLOWED_HOSTS."),
    "invalid_request": Code(422, "The request does not fit the pattern", "Correct the fields that `errors` names."),
    "idempotency_key_reused": Code(422, "The idempotency key is another request's", "Use a new key for a new request."),
    "job_id_taken": Code(422, "The job id belongs to another request", "Choose another id, or none."),
    "rate_limited": Code(429, "Too many requests", "Send it again after the seconds in `Retry-After`."),
    "too_many_jobs": Code(429, "Too many jobs are on", "Send it again when one of yours has ended.", 5),
    "headers_too_large": Code(431, "The headers are too large", "Send less; `detail` has the limit."),
    "internal_error": Code(500, "Something broke here", "It is a fault of Penstock, and logged; report it."),
    "http_error": Code(502, "Something in front of Penstock answered", "Look at the proxy before the gateway."),
    "no_room": Code(503, "NATS has no room for more jobs", _AGAIN, 30),
    "overloaded": Code(503, "There is more work than can be done", _AGAIN, 5),
    "draining": Code(503, "This replica is shutting down", "Try again at once: another one answers.", 1),
    "bus_unavailable": Code(503, "The message bus does not answer", _AGAIN, 5),
}
#: A job or one of its steps failed.
FAILURES: dict[str, Code] = {
    "budget_exceeded": Code(
        402, "A budget is spent", "Have it raised; a tenant's or key's begins anew each day or month."
    ),
    "input_too_large": Code(413, "The step's input does not fit into a message", "Send a smaller request."),
    "rejected": Code(422, "The pattern, or a step of it, refuses what it was given", "Do as `detail` says."),
    "abandoned": Code(500, "The pattern gave the step up", "Nothing: another step's failure has the reason."),
    "pattern_error": Code(500, "The pattern itself failed", _OPERATOR),
    "replay_mismatch": Code(500, "The journal does not fit the pattern's code", _RETRY),
    "step_error": Code(500, "The step's own code failed", _OPERATOR),
    "wait_too_long": Code(500, "A wait would outlast the job's record", _OPERATOR),
    "budget_exhausted": Code(502, "A budget was spent before there was a result", "Ask for less."),
    "model_blocked": Code(502, "The model blocked the content for safety", _ASK_ELSE),
    "model_not_found": Code(502, "The model does not exist", _OPERATOR),
    "model_rejected": Code(502, "The model refused the request as malformed", _ASK_ELSE),
    "model_unauthorized": Code(502, "The model refused our credentials", _OPERATOR),
    "output_invalid": Code(502, "The model's reply does not fit its schema", _RETRY),
    "output_too_large": Code(502, "The step's output does not fit into a message", "Ask for less at once."),
    "output_truncated": Code(502, "The model's reply was cut off", "Ask for less at once."),
    "poisoned": Code(502, "The message was given up after too many deliveries", _OPERATOR),
    "too_many_steps": Code(502, "The job has more steps than one may have", "Ask for less."),
    "model_unavailable": Code(503, "The model was not available", _RETRY),
    "tool_unavailable": Code(503, "The tool did not work", _RETRY),
    "wait_timed_out": Code(504, "Nobody gave the signal in time", "Submit the job anew, and answer what it asks."),
    "deadline_exceeded": Code(
        504, "The job did not finish before its deadline", "Ask for less, or raise `options.deadlineSeconds`."
    ),
}
CODES = REFUSALS | FAILURES
