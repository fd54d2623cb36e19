"""Jobs from outside: submit, look up, list, signal, cancel, retry, follow.

The gateway is one caller of these; it has no private way in.
"""

from penstock.jobs.ending import cancel, end_event, publish_end
from penstock.jobs.listing import page
from penstock.jobs.lookup import look_up, request_of, tenant_of
from penstock.jobs.queued import look_up_with_queue
from penstock.jobs.retry import retry
from penstock.jobs.signals import signal
from penstock.jobs.submission import job_of, new_job_id, submit
from penstock.jobs.timeline import timeline

__all__ = [
    "cancel",
    "end_event",
    "job_of",
    "look_up",
    "look_up_with_queue",
    "new_job_id",
    "page",
    "publish_end",
    "request_of",
    "retry",
    "signal",
    "submit",
    "tenant_of",
    "timeline",
]
