"""Writes docs/settings.md, errors.md and metrics.md from the code that they document: `python docs/tables.py`."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock_aggregator.service import build as build_aggregator
from penstock_gateway.service import build as build_gateway
from penstock_workers.service import build as build_workers
from prometheus_client import CollectorRegistry
from pydantic_core import PydanticUndefined

from penstock.contracts.error_codes import FAILURES, REFUSALS, Code
from penstock.runs.backlog import BacklogMetrics
from penstock.settings import Settings

FOLDER = Path(__file__).parent

_SETTINGS = """\
# Settings

Environment variables, read once when a process starts. Made from `penstock/settings/` by `docs/tables.py`.

The SDK's own variables are honoured as well: `GEMINI_API_KEY` (or `GOOGLE_API_KEY`) and `GOOGLE_GEMINI_BASE_URL`; so is
`GEMINI_API_KEY_FILE`, a file with the key in it. With none of them and nothing of Penstock's in their place,
`penstock up` starts the simulator. Only workers and classifier need the key. With a key, `http://` is for this machine
only: a service that would send it further unencrypted does not start.

An empty variable is not set. Several values of one setting are separated by commas. A value that does not fit ends the
process with a sentence that names the variable. A variable with the prefix `PENSTOCK_` that is none of these is warned
about.

## The command line

| variable | default | meaning |
|---|---|---|
| `PENSTOCK_URL` | `http://127.0.0.1:8080` | Gateways that `penstock run` and `jobs` go to, separated by commas. |
| `PENSTOCK_API_KEY` |  | The caller's key, for gateways that ask for one ([keys.md](keys.md)). |
| `PENSTOCK_DATA` | `data` | The data folder of `penstock up`, where commands find the token of its NATS. |
"""
_SETTINGS_OF_A_GROUP = """
## {heading}

| variable | default | meaning |
|---|---|---|
"""
_ERRORS = """\
# Error codes

Every failure is an RFC 9457 problem object with a `code`, the same over HTTP and over NATS. Codes are part of the
interface and do not change; titles and details may. `timestamp` is when it was found (RFC 3339, UTC), `job` the job it
is about, if there is one, and `requestId` the request that it answers, or that its job came of.
Made from `penstock/contracts/error_codes.py` by `docs/tables.py`.

## A request is not served

HTTP answers with the status; `Retry-After` comes with the codes that name a number of seconds here. As a rule no job
came of the request. But `job_cancelled` answers for a job that was cancelled, and where `bus_unavailable` or
`internal_error` comes with a job's id, that job may run.

{refusals}
## A job fails

The problem is in the event `job.failed` and in `GET /jobs/<id>`; it has `step`, the key of the step that failed, where
one did. A request that is published to NATS directly can also fail with `invalid_request` and `unknown_pattern`: it is
checked only after it has become a job. Under the id of a job of another pattern it is dead-lettered as `job_id_taken`,
and that job goes on; under the id of one of the same pattern NATS refuses it at once.

{failures}"""
_METRICS = """\
# Metrics

Each process serves its own at `/metrics`, in the format of Prometheus: gateways at their address (to admins' keys
where there are keys), the others at a port of their own. `penstock up` prints the addresses, and writes them into
`processes.json` and, for Prometheus, `prometheus.json` in its data folder; elsewhere the port is `PENSTOCK_PORT`.

Labels are patterns, steps, models, routes and codes, never jobs, tenants or keys: the number of series does not grow
with use. Counters begin at 0 with each process: ask for `rate` or `increase`, and `sum by (…)` over replicas. What
aggregators show of the whole system is the same in each of them: `max by (…)`; it is looked at every few seconds.
Durations are in seconds, sizes in bytes, money in US dollars.
Made from the registries of the services by `docs/tables.py`.
"""
_METRICS_OF = """
## {heading}

| metric | type | labels | meaning |
|---|---|---|---|
"""
#: Which services have a metric -> the heading.
_WHERE = {
    ("gateway", "aggregator", "workers"): "Every process",
    ("aggregator", "workers"): "Aggregators, workers and classifiers",
    ("gateway",): "Gateways",
    ("aggregator",): "Aggregators",
    ("whole system",): "Aggregators, of the whole system",
    ("workers",): "Workers, classifiers and services of your own",
}
_HEADINGS = "| code | status | meaning | what to do |\n|---|---|---|---|\n"


def settings() -> str:
    text = _SETTINGS
    for group in Settings.__bases__:
        text += _SETTINGS_OF_A_GROUP.format(heading=group.__doc__)
        for name, field in group.model_fields.items():
            text += f"| `PENSTOCK_{name.upper()}` | {_shown(field.default)} | {field.description} |\n"
    return text


def errors() -> str:
    return _ERRORS.format(refusals=_table(REFUSALS), failures=_table(FAILURES))


def metrics() -> str:
    services: dict[str, list[str]] = defaultdict(list)
    for service, registry in _registries():
        for of_system, row in _rows(registry):
            services[row].append("whole system" if of_system else service)
    text = _METRICS
    for where, heading in _WHERE.items():
        text += _METRICS_OF.format(heading=heading)
        text += "".join(sorted(row for row, found in services.items() if tuple(found) == where))
    return text


def _registries() -> Iterator[tuple[str, CollectorRegistry]]:
    settings = Settings(model_base_url="http://127.0.0.1:1", patterns=())
    yield "gateway", build_gateway(settings, asyncio.Event()).state.gateway.registry
    yield "aggregator", build_aggregator(settings).registry
    yield "workers", build_workers(settings).registry


def _rows(registry: CollectorRegistry) -> Iterator[tuple[bool, str]]:
    """Whether it is of the whole system, and its row in the table."""
    for collector in list(registry._collector_to_names):
        for family in getattr(collector, "describe", collector.collect)():
            labels = getattr(collector, "_labelnames", None) or getattr(family, "_labelnames", ())
            name = f"{family.name}_total" if family.type == "counter" else family.name
            row = f"| `{name}` | {family.type} | {', '.join(labels)} | {family.documentation} |\n"
            yield isinstance(collector, BacklogMetrics), row


def _table(codes: dict[str, Code]) -> str:
    rows = []
    for name, code in sorted(codes.items()):
        after = f" ({code.retry_after} s)" if code.retry_after else ""
        rows.append(f"| `{name}` | {code.status} | {code.title} | {code.advice}{after} |\n")
    return _HEADINGS + "".join(rows)


def _shown(default: Any) -> str:
    if default is None or default is PydanticUndefined or default in ((), {}):
        return ""
    return f"`{','.join(map(str, default))}`" if isinstance(default, tuple) else f"`{default}`"


if __name__ == "__main__":
    (FOLDER / "settings.md").write_text(settings(), encoding="utf-8")
    (FOLDER / "errors.md").write_text(errors(), encoding="utf-8")
    (FOLDER / "metrics.md").write_text(metrics(), encoding="utf-8")
