"""`penstock logs`: all that the processes of `penstock up` have logged about one job."""

import json
import subprocess
from typing import Any

import pytest

from tests.system.cli.system import PENSTOCK, System, penstock

pytestmark = pytest.mark.long

QUERY = "Where is my order?"
CALL = ["model call begins", "model call completed"]


def run(system: System) -> str:
    return system.run("run", "routing", "--query", QUERY, "--detach").stdout.strip()


def until_completed(system: System, job: str) -> list[dict[str, Any]]:
    """What `--follow` shows, up to the job's last line."""
    command = [PENSTOCK, "logs", job, "--follow", "--data", str(system.data)]
    lines: list[dict[str, Any]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout
        for line in following.stdout:
            lines.append(json.loads(line))
            if lines[-1]["message"] == "job completed":
                following.terminate()
    return lines


def test_the_lines_of_a_job_are_gathered_in_the_order_of_time(system: System) -> None:
    """From the gateway, the aggregator and those that execute its steps; none of another job."""
    job, other = run(system), run(system)
    until_completed(system, other)
    followed = until_completed(system, job)
    assert {line["message"] for line in followed} >= {"job submitted", "job begins", *CALL, "job completed"}
    lines = [json.loads(line) for line in system.run("logs", job).stdout.splitlines()]
    assert sorted(map(str, lines)) == sorted(map(str, followed))
    assert {line["job"] for line in lines} == {job}
    assert {line["service"] for line in lines} == {"gateway", "aggregator", "classifier", "workers"}
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    for step in ("classify", "respond"):
        of_the_step = [line for line in lines if line.get("step") == step]
        assert [line["message"] for line in of_the_step] == CALL
        assert {(line["key"], line["attempt"], line["tenant"]) for line in of_the_step} == {(f"{step}-1", 1, "default")}
    assert QUERY in str(lines)  # `up` is the author's
    shown = system.in_terminal("logs", job)  # where it is for people
    assert "classifier info model call begins" in shown
    assert job not in shown


@pytest.mark.parametrize(
    ("data", "said"), [("elsewhere", "there are no logs in elsewhere/logs"), (None, "is about a job no-such-job")]
)
def test_it_is_said_why_there_are_none(system: System, data: str | None, said: str) -> None:
    ended = penstock("logs", "no-such-job", "--data", data or str(system.data))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
