"""Writes callers.json, fleet.json and cost.json, as Grafana imports them: `python deploy/grafana/dashboards.py`.

A panel is a title, the unit of its axis, and queries with what each is called in the legend.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

Panel = tuple[str, str, dict[str, str]]

_RATE = "[$__rate_interval]"


def _quantiles(name: str, by: str, *quantiles: float) -> dict[str, str]:
    """Of a histogram, by the labels."""
    labels = f"le, {by}" if by else "le"
    legend = " ".join(f"{{{{{label}}}}}" for label in by.split(", ") if label)
    return {
        f"histogram_quantile({q}, sum by ({labels}) (rate({name}_bucket{_RATE})))": f"p{q * 100:g} {legend}"
        for q in quantiles
    }


def _rates(name: str, by: str) -> dict[str, str]:
    legend = " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
    return {f"sum by ({by}) (rate({name}{_RATE}))": legend}


def _share(part: str, whole: str, by: str) -> dict[str, str]:
    return {f"sum by ({by}) (rate({part}{_RATE})) / sum by ({by}) (rate({whole}{_RATE}))": f"{{{{{by}}}}}"}


_STEP = "pattern, step"
DASHBOARDS: dict[str, tuple[str, list[Panel]]] = {
    "callers": (
        "Penstock: callers",
        [
            ("Jobs that end", "ops", _rates("penstock_jobs_total", "pattern, end")),
            (
                "Jobs that fail",
                "percentunit",
                _share('penstock_jobs_total{end="failed"}', "penstock_jobs_total", "pattern"),
            ),
            ("Failures by code", "ops", _rates("penstock_job_failures_total", "pattern, code")),
            ("Time of a job", "s", _quantiles("penstock_job_duration_seconds", "pattern", 0.5, 0.95)),
            ("Requests", "reqps", _rates("penstock_http_requests_total", "route, status")),
            ("Time to the first byte", "s", _quantiles("penstock_http_first_byte_seconds", "route", 0.95)),
            ("Open streams", "short", {"sum by (format) (penstock_streams_open)": "{{format}}"}),
            ("From the model's piece to the socket", "s", _quantiles("penstock_stream_delay_seconds", "", 0.5, 0.99)),
            (
                "Slow readers",
                "ops",
                {
                    f"sum(rate(penstock_stream_rereads_total{_RATE}))": "read from NATS again",
                    f"sum(rate(penstock_http_slow_readers_total{_RATE}))": "cut off",
                },
            ),
            ("Jobs that wait for a signal or a time", "short", {"max(penstock_jobs_parked)": "parked"}),
            ("Webhooks", "ops", _rates("penstock_webhook_tries_total", "result")),
        ],
    ),
    "fleet": (
        "Penstock: fleet",
        [
            ("Replicas", "short", {"count by (service, version) (penstock_build_info)": "{{service}} {{version}}"}),
            ("Ready", "short", {"sum by (job) (penstock_ready)": "{{job}}"}),
            (
                "Steps and jobs that nobody has begun",
                "short",
                {
                    "sum by (service, pattern, step) (max by (service, pattern, step, lane) (penstock_backlog))": (
                        "{{service}} {{pattern}} {{step}}"
                    )
                },
            ),
            (
                "How long the first of them waits",
                "s",
                {
                    "max by (service, pattern, step) (penstock_backlog_oldest_seconds)": (
                        "{{service}} {{pattern}} {{step}}"
                    )
                },
            ),
            (
                "Slots in use",
                "percentunit",
                {"sum by (job, pool) (penstock_slots_in_use) / sum by (job, pool) (penstock_slots)": "{{job}}"},
            ),
            ("Time of a step in its queue", "s", _quantiles("penstock_step_queue_wait_seconds", _STEP, 0.95)),
            ("Time to a step's first piece", "s", _quantiles("penstock_step_first_token_seconds", _STEP, 0.95)),
            ("Time of a step", "s", _quantiles("penstock_step_duration_seconds", _STEP, 0.95)),
            ("Attempts by their end", "ops", _rates("penstock_step_attempts_total", "end")),
            ("Texts taken back", "ops", _rates("penstock_step_resets_total", _STEP)),
            ("Lag of event loops", "s", _quantiles("penstock_event_loop_lag_seconds", "instance", 0.99)),
            (
                "CPU",
                "percentunit",
                {f'rate(process_cpu_seconds_total{{system="penstock"}}{_RATE})': "{{instance}}"},
            ),
            ("Memory", "bytes", {'process_resident_memory_bytes{system="penstock"}': "{{instance}}"}),
            (
                "What NATS holds of what it may",
                "percentunit",
                {"max by (stream) (penstock_stream_bytes / penstock_stream_limit_bytes)": "{{stream}}"},
            ),
            ("Dead letters", "short", {"max(penstock_dead_letters)": "dead letters"}),
        ],
    ),
    "cost": (
        "Penstock: cost",
        [
            (
                "Dollars an hour, of models whose price is known",
                "currencyUSD",
                {f"3600 * sum by (model) (rate(penstock_model_cost_usd_total{_RATE})) or vector(0)": "{{model}}"},
            ),
            ("Tokens by pattern", "short", _rates("penstock_model_tokens_total", "pattern")),
            ("Tokens by model", "short", _rates("penstock_model_tokens_total", "model, kind")),
            (
                "Tokens that nothing came of",
                "percentunit",
                _share('penstock_model_tokens_total{use="wasted"}', "penstock_model_tokens_total", "pattern"),
            ),
            ("Model calls", "ops", _rates("penstock_model_calls_total", "model, use")),
            ("Model calls that fail", "ops", _rates("penstock_model_errors_total", "model, code")),
            ("Questions by what the cache had", "ops", _rates("penstock_model_cache_questions_total", "result")),
            ("Time of a call", "s", _quantiles("penstock_model_call_seconds", "model", 0.5, 0.95)),
            ("Time to a call's first piece", "s", _quantiles("penstock_model_first_token_seconds", "model", 0.5, 0.95)),
            ("Wait of a call for its turn", "s", _quantiles("penstock_model_wait_seconds", "model", 0.95)),
        ],
    ),
}


def dashboard(name: str) -> str:
    """Two panels in a row, each half as wide."""
    title, panels = DASHBOARDS[name]
    source = {"type": "prometheus", "uid": "${datasource}"}
    made: dict[str, Any] = {
        "uid": f"penstock-{name}",
        "title": title,
        "tags": ["penstock"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": [
            {
                "id": number + 1,
                "type": "timeseries",
                "title": heading,
                "datasource": source,
                "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
                "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                "options": {"tooltip": {"mode": "multi", "sort": "desc"}},
                "targets": [
                    {"refId": chr(ord("A") + place), "datasource": source, "expr": query, "legendFormat": legend}
                    for place, (query, legend) in enumerate(queries.items())
                ],
            }
            for number, (heading, unit, queries) in enumerate(panels)
        ],
    }
    return json.dumps(made, indent=1) + "\n"


if __name__ == "__main__":
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(dashboard(name), encoding="utf-8")
