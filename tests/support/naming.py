"""What tests call a job."""

from penstock.contracts.wire import DEFAULT_TENANT, JobName


def named(job: str) -> JobName:
    """The job of a caller without a key."""
    return JobName(DEFAULT_TENANT, job)
