"""What a process has done, read off what it counts for /metrics: so the two cannot differ."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry

from penstock.contracts.fleet import Counts

_REQUESTS = "penstock_http_requests_total"
_JOBS, _STEPS = "penstock_jobs_total", "penstock_step_attempts_total"


def _with(label: str, *values: str) -> Callable[[Mapping[str, str]], bool]:
    return lambda labels: labels.get(label) in values


#: Of each member of Counts: the sample, and of which labels.
_TABLE: dict[str, tuple[str, Callable[[Mapping[str, str]], bool]]] = {
    "jobs_completed": (_JOBS, _with("end", "completed")),
    "jobs_failed": (_JOBS, _with("end", "failed")),
    "jobs_cancelled": (_JOBS, _with("end", "cancelled")),
    "steps_completed": (_STEPS, _with("end", "completed")),
    "steps_failed": (_STEPS, _with("end", "failed")),
    "steps_retried": (_STEPS, _with("end", "retried")),
    "requests": (_REQUESTS, lambda labels: True),
    "request_errors": (_REQUESTS, lambda labels: labels["status"].startswith("5")),
}


def counts_in(registry: CollectorRegistry) -> Counts:
    """Those of its metrics that are there."""
    wanted = {name for name, _ in _TABLE.values()}
    samples = [one for metric in registry.restricted_registry(wanted).collect() for one in metric.samples]
    return Counts(
        **{
            member: round(sum(one.value for one in samples if one.name == name and counts(one.labels)))
            for member, (name, counts) in _TABLE.items()
        }
    )
