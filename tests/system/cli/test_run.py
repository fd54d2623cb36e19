"""`penstock run`: submit, follow, and say by the exit status how it went."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from penstock.patterns import PATTERNS
from tests.support.patience import PATIENCE
from tests.support.simulator import BlockingSteering
from tests.system.cli.system import PENSTOCK, System, penstock, until

QUERY = "Our API answers 502 since the deploy"
HOLD = {"step": "respond", "reply": {"hold": "respond"}}


def begun(system: System, *arguments: str) -> subprocess.Popen[str]:
    """`penstock run routing` in the background."""
    command = [PENSTOCK, "run", "routing", "--query", QUERY, "--url", system.url("gateway"), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("way", ["--url", "--nats-url"])
def test_in_a_pipe_the_result_is_json(system: System, way: str) -> None:
    """Through the gateway and past it."""
    ended = system.run("run", "routing", "--query", QUERY, way, system.url("gateway" if way == "--url" else "nats"))
    assert ended.returncode == 0
    listed = json.loads(system.run("jobs", "list", "--pattern", "routing", "--limit", "1").stdout)
    assert ended.stderr == f"job {listed['id']}\n"
    state = json.loads(system.run("jobs", "show", listed["id"]).stdout)
    assert (state["status"], state["result"]) == ("completed", json.loads(ended.stdout))
    prompts = [json.loads(line) for line in penstock("prompts", "list").stdout.splitlines()]
    versions = {one["step"]: one["version"] for one in prompts}
    assert {step["key"]: step["prompt"] for step in state["steps"]} == {
        "classify-1": versions["classify"],
        "respond-1": versions["respond"],
    }


@pytest.mark.long
def test_every_pattern_takes_its_example_as_a_file(system: System, tmp_path: Path) -> None:
    """`--json FILE` for any of them; its options are in the help."""
    for pattern in PATTERNS:
        request = tmp_path / f"{pattern.name}.json"
        request.write_text(pattern.example.model_dump_json())
        ended = system.run("run", pattern.name, "--json", str(request))
        assert ended.returncode == 0, ended.stderr
        pattern.result.model_validate_json(ended.stdout)


def test_options_go_over_the_json_and_read_files(system: System, tmp_path: Path) -> None:
    """`--text @FILE`; `--json -` reads standard input."""
    text = tmp_path / "clause.txt"
    text.write_text("Either party may end it.")
    given = json.dumps({"text": "not this", "domain": "law", "options": {"maxIterations": 1}})
    arguments = ("--json", "-", "--text", f"@{text}", "--target-language", "French")
    ended = system.run("run", "evaluator-optimizer", *arguments, stdin=given)
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    assert (result["originalText"], result["domain"]) == ("Either party may end it.", "law")
    assert len(result["iterations"]) == 1


def test_a_pattern_that_only_the_services_may_know_takes_json(system: System) -> None:
    """Its request is sent as it is; whether there is such a pattern, they say."""
    ended = system.run("run", "nothing", "--json", "-", stdin='{"query": "x"}')
    assert ended.returncode == 1
    assert "\npenstock: unknown_pattern: there is no pattern 'nothing'" in f"\n{ended.stderr}"


@pytest.mark.parametrize("way", ["--url", "--nats-url"])
def test_a_key_makes_it_safe_to_submit_twice(system: System, way: str) -> None:
    """--detach prints the job's id and does not wait; the id is a UUID, the same whichever way."""
    detached = ("run", "routing", "--query", QUERY, "--detach", "--idempotency-key", "order 7")
    first = system.run(*detached, way, system.url("gateway" if way == "--url" else "nats"))
    assert (first.returncode, first.stderr) == (0, "")
    assert str(UUID(first.stdout.strip())) + "\n" == first.stdout == system.run(*detached).stdout
    assert system.run("jobs", "follow", first.stdout.strip()).returncode == 0


def test_events_come_one_a_line(system: System) -> None:
    ended = system.run("run", "routing", "--query", QUERY, "--format", "events")
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (events[0]["type"], events[-1]["type"]) == ("job.accepted", "job.completed")


def test_the_json_is_printed_while_the_job_runs(system: System, steering: BlockingSteering) -> None:
    """The first step's output is out while the second step's model is silent."""
    steering.rule(**HOLD)
    with begun(system) as running:
        assert running.stdout is not None
        early = running.stdout.read(20)
        assert steering.wait(step="respond")
        steering.release("respond")
        whole = early + running.stdout.read()
    assert early.startswith('{"classification":')
    assert json.loads(whole)["response"]
    assert running.returncode == 0


def test_a_gateway_that_is_killed_meanwhile_is_not_noticed(system: System, steering: BlockingSteering) -> None:
    """`penstock up` starts it again at the same address, and the events continue where they were."""
    steering.rule(**HOLD)
    killed = system.processes()["gateway-1"]
    with begun(system) as running:
        steering.wait(step="respond")
        os.kill(killed, signal.SIGKILL)
        until(lambda: system.processes().get("gateway-1", killed) != killed, system.output)
        steering.release("respond")
        out, err = running.communicate(timeout=PATIENCE)
    assert (running.returncode, err.count("\n")) == (0, 1)
    assert json.loads(out)["response"]


def test_ctrl_c_ends_the_following_and_not_the_job(system: System, steering: BlockingSteering) -> None:
    """Status 130, and how to see the job."""
    steering.rule(**HOLD)
    with begun(system) as running:
        assert running.stdout is not None
        assert running.stdout.read(1)  # it follows
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    begin, end = err.splitlines()
    job = begin.removeprefix("job ")
    assert f"penstock jobs follow {job}" in end
    steering.release("respond")
    assert system.run("jobs", "follow", job).returncode == 0


def test_a_failed_job_is_status_1_with_its_problem(system: System, steering: BlockingSteering) -> None:
    steering.rule(step="classify", fault={"status": 400})
    ended = system.run("run", "routing", "--query", QUERY)
    assert ended.returncode == 1
    assert "model_rejected" in ended.stderr
    assert "(step classify-1)" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.long
def test_a_failed_job_is_retried(system: System, steering: BlockingSteering) -> None:
    """What it had finished is not asked for again; each of the two shows the other."""
    steering.rule(step="respond", times=1, fault={"status": 400})
    ended = system.run("run", "routing", "--query", QUERY)
    job = ended.stderr.splitlines()[0].removeprefix("job ")
    again = system.run("jobs", "retry", job)
    new = again.stdout.strip()
    assert (again.returncode, system.run("jobs", "retry", job).stdout.strip()) == (0, new)
    assert json.loads(system.run("jobs", "follow", new).stdout)["response"]
    assert [call.step for call in steering.calls(job=new)] == ["respond"]
    assert f"it is tried again as job {new}" in system.in_terminal("jobs", "show", job)
    refused = system.run("jobs", "retry", new)
    assert (refused.returncode, refused.stderr) == (1, f"penstock: not_failed: job {new} is completed\n")


def test_a_job_can_be_cancelled_from_another_terminal(system: System, steering: BlockingSteering) -> None:
    """Whoever follows it ends with status 1; to cancel it once more changes nothing."""
    steering.rule(**HOLD)
    with begun(system, "--format", "events") as running:
        assert running.stdout is not None
        job = json.loads(running.stdout.readline())["job"]
        cancelled = system.run("jobs", "cancel", job)
        _, err = running.communicate(timeout=PATIENCE)
    assert (cancelled.returncode, cancelled.stdout) == (0, f"job {job} is cancelled\n")
    assert (running.returncode, err) == (1, f"job {job}\npenstock: job {job} was cancelled\n")


def test_in_a_terminal_steps_and_document_are_shown(system: System) -> None:
    """The view is drawn while the job runs, and once more, complete, at its end."""
    shown = system.in_terminal("run", "routing", "--query", QUERY)
    for expected in ("classify-1", "respond-1", "simulator/", "tokens", "requiredExpertise", "nextSteps"):
        assert expected in shown


@pytest.mark.long
def test_a_log_has_lines_of_80_columns(system: System) -> None:
    """In a pipe, too. No text is left out: the pieces of a value make up its JSON."""
    arguments = ("run", "sequential-processing", "--input", "A solar lamp", "--format", "log")
    for shown in (system.in_terminal(*arguments), system.run(*arguments).stdout):
        assert 60 < max(map(len, shown.splitlines())) <= 80
        pieces = re.findall(r" s  /originalContent {6}(.*)", shown)
        assert isinstance(json.loads("".join(pieces)), str)


def test_a_pattern_that_nobody_knows_is_hinted_at(system: System) -> None:
    """Where there are no jobs of it either."""
    ended = system.run("jobs", "list", "--pattern", "ruting")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "there is no pattern 'ruting' (did you mean 'routing'?)" in ended.stderr


def test_what_is_refused_is_said_once(system: System) -> None:
    ended = system.run("run", "routing", "--query", "x", "--webhook", "https://example.com/hook")
    assert ended.returncode == 1
    assert ended.stderr.count("PENSTOCK_WEBHOOK_SECRET is not set") == 1


@pytest.mark.long
def test_tables_fit_a_terminal_of_80_columns(system: System) -> None:
    """Nothing that is one word is broken: ids, names of patterns, dates with their times."""
    job = system.run("run", "orchestrator-worker", "--feature-description", "A cart", "--detach").stdout.strip()
    assert system.run("jobs", "follow", job).returncode == 0
    for arguments in (("jobs", "list"), ("jobs", "show", job)):
        shown = system.in_terminal(*arguments)
        assert max(map(len, shown.splitlines())) <= 80
        assert re.search(rf"{job} +\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d", shown), shown
        assert re.search(r"orchestrator-worker  ", shown), shown
    assert "…" not in system.in_terminal("run", "orchestrator-worker", "--help")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "routing"), "--query is missing: What the customer asks"),
        (("run", "evaluator-optimizer", "--text", "x", "--domain", "law"), "--target-language is missing"),
        (("run", "routing", "--query", "x", "--deadline-seconds", "-5"), "--deadline-seconds: Input should be greater"),
        (("run", "routing", "--json", "/nowhere.json"), "cannot read /nowhere.json: No such file"),
        (("run", "xyzzy"), "there is no pattern 'xyzzy'; there are evaluator-optimizer"),
        (("run", "routng", "--query", "x"), "there is no pattern 'routng' (did you mean 'routing'?)"),
        (("run", "multi-step-tool-usage", "--problem", "x", "--max-turns", "two"), "--max-turns: Input should be a"),
        (("run", "routing", "--query", "x", "--priority", "high"), "--priority: Input should be 'speed' or"),
        (("demo", "--only", "xyzzy"), "--only: there is no pattern 'xyzzy'; there are evaluator-optimizer"),
    ],
)
def test_what_is_wrong_with_a_command_line_is_named(arguments: tuple[str, ...], said: str) -> None:
    """Status 2, one line, nothing on standard output."""
    ended = penstock(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"penstock: {said}")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "routing", "--query", "x", "--url", "http://127.0.0.1:9"),
        ("run", "routing", "--query", "x", "--nats-url", "nats://127.0.0.1:9"),
        ("jobs", "list", "--url", "http://127.0.0.1:9"),
        ("jobs", "list", "--url", "127.0.0.1:9"),
    ],
)
def test_nobody_there_is_said_in_one_line(arguments: tuple[str, ...]) -> None:
    ended = penstock(*arguments)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("penstock: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["jobs list", "up", "demo", "serve gateway", "streams", "dead list", "run routing"])
def test_a_wrong_setting_is_named(command: str) -> None:
    ended = penstock(*command.split(), PENSTOCK_SLOTS="many")
    assert ended.returncode == 1
    assert ended.stderr.startswith("penstock: PENSTOCK_SLOTS=many: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("nowhere.pattern:PATTERN", "no module 'nowhere' on the path; for the current folder set PYTHONPATH=."),
        ("penstock.pattern:PATTERN", "module 'penstock.pattern' has no attribute 'PATTERN'"),
        ("PATTERN", "module:ATTRIBUTE is expected, or a folder with a / in it"),
    ],
)
def test_a_pattern_that_cannot_be_loaded_is_named(named: str, why: str) -> None:
    ended = penstock("run", "routing", "--query", "x", PENSTOCK_PATTERNS=named)
    assert (ended.returncode, ended.stderr) == (1, f"penstock: PENSTOCK_PATTERNS names '{named}': {why}\n")


@pytest.mark.parametrize("arguments", [(), ("run", "routing"), ("dead", "replay")])
def test_there_is_help_at_every_level(arguments: tuple[str, ...]) -> None:
    ended = penstock(*arguments, "--help")
    assert ended.returncode == 0
    assert "Usage: penstock" in ended.stdout
