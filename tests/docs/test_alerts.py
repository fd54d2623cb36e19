"""Rules and dashboards: each alert can be looked up, each dashboard is as it was made, of metrics that there are."""

import json
import re
import runpy
from typing import Any

import pytest
import yaml

from tests.support.repository import ROOT

GRAFANA = ROOT / "deploy" / "grafana"


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_each_alert_has_its_section_in_the_runbook() -> None:
    """And each section its alert; the annotation leads to it."""
    text = (ROOT / "docs" / "alerts.md").read_text()
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [rule["alert"] for rule in rules()]
    for rule in rules():
        assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")


@pytest.mark.parametrize("name", ["callers", "fleet", "cost"])
def test_a_dashboard_is_as_it_was_made(name: str) -> None:
    """`python deploy/grafana/dashboards.py` makes them."""
    made = runpy.run_path(str(GRAFANA / "dashboards.py"))["dashboard"](name)
    assert (GRAFANA / f"{name}.json").read_text() == made


def test_rules_and_dashboards_ask_for_metrics_that_are_documented() -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE))
    boards = [json.loads(file.read_text()) for file in GRAFANA.glob("*.json")]
    queries = [query["expr"] for board in boards for panel in board["panels"] for query in panel["targets"]]
    asked = set(re.findall(r"(?:penstock|process)_\w+", " ".join([*queries, *(rule["expr"] for rule in rules())])))
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked} <= documented
