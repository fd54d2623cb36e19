"""`penstock eval`: recorded once, measured again without a model; a prompt that changed is stale, never green."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from penstock.testing.threads import in_thread
from tests.support.simulator import BlockingSteering, serving
from tests.system.cli.system import penstock

pytestmark = pytest.mark.long

CASES = """
about: a misrouted query costs a day
step: classify
times: 2
measures: {category: {kind: label, at: /category}}
cases:
  - {id: outage, input: {query: "502 errors since the deploy"}, truth: {category: technical}}
  - {id: refund, input: {query: "Where is my refund?"}, truth: {category: support}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "routing.yaml").write_text(CASES)
    return tmp_path


@pytest.fixture
def model() -> Iterator[str]:
    with in_thread(serving()) as url:
        yield url


def evaluated(folder: Path, *arguments: str, **env: str) -> tuple[int, str, str]:
    done = penstock("eval", str(folder), "--report", str(folder / "report.json"), *arguments, **env)
    return done.returncode, done.stdout, done.stderr


def test_what_a_model_answered_is_recorded_and_measured_again_without_it(folder: Path, model: str) -> None:
    first = evaluated(folder, "--yes", PENSTOCK_MODEL_BASE_URL=model)
    assert first[0] == 0, first
    recorded = (folder / "recordings.jsonl").read_text().splitlines()
    assert len(recorded) == 4, "two cases, twice"
    report = json.loads((folder / "report.json").read_text())

    again = evaluated(folder, "--baseline", str(folder / "report.json"))
    assert again[0] == 0, again
    assert "| routing | category: right | 0.50 |" in again[1]
    assert "cannot tell (+0.00)" in again[1]
    measured = json.loads((folder / "report.json").read_text())
    assert measured["sets"] == report["sets"], "the same evidence, and the same tokens"
    assert (folder / "recordings.jsonl").read_text().splitlines() == recorded


def test_a_case_that_is_asked_three_times_has_three_replies_again_in_their_order(folder: Path, model: str) -> None:
    cases = CASES.replace("times: 2", "times: 3").replace(
        "label, at: /category", "scores, at: /confidence, threshold: 0.6"
    )
    first, _ = cases.split("  - {id: refund")
    (folder / "routing.yaml").write_text(first.replace("category: technical", "category: true"))
    for confidence in (0.2, 0.9, 0.5):
        BlockingSteering(model).rule(times=1, reply={"merge": {"confidence": confidence}})
    for env in ({"PENSTOCK_MODEL_BASE_URL": model}, {}):
        status, shown, error = evaluated(folder, "--yes", **env)
        assert (status, "| routing | category: retest deviation | 0.35 |" in shown) == (0, True), (shown, error)
        evidence = json.loads((folder / "report.json").read_text())["sets"]["routing"]["evidence"]["category"]
        assert [one["score"] for one in evidence["outage"]] == [0.2, 0.9, 0.5]


def test_a_case_without_a_recorded_reply_is_stale_and_fails(folder: Path) -> None:
    status, shown, _ = evaluated(folder)
    assert status == 1
    assert "| routing | 4 | 2 | 2 |" in shown, "asked, failed, stale"
    assert "no recorded reply" in shown


def test_the_simulator_answers_where_that_is_asked_for(folder: Path) -> None:
    page = folder / "page.md"
    page.write_text("# Figures\n\n<!-- eval -->\nof last year\n<!-- /eval -->\n\nThe end.\n")
    status, shown, _ = evaluated(folder, "--simulator", "--markdown", str(page))
    assert status == 0
    assert "answered by the simulator, which understands nothing" in shown
    assert page.read_text() == f"# Figures\n\n<!-- eval -->\n\n{shown}<!-- /eval -->\n\nThe end.\n"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Replies that were written by hand, good and bad ones, and recorded (`tests/evals/recorded/record.py`)."""
    return Path(shutil.copytree(Path(__file__).parents[2] / "evals/recorded", tmp_path / "recorded"))


def of_tickets(recorded: Path, name: str, *arguments: str, **more: str) -> tuple[int, str, str]:
    replies, report = str(recorded / f"{name}.jsonl"), str(recorded / f"{name}.json")
    env = {"PENSTOCK_PATTERNS": "tickets:PATTERN", "PYTHONPATH": str(recorded), **more}
    return evaluated(recorded, "--recordings", replies, "--report", report, *arguments, **env)


def test_recorded_replies_that_are_worse_are_told_from_better_ones(recorded: Path) -> None:
    good = of_tickets(recorded, "good")
    assert (good[0], "| sort-ticket | team: right | 1.00 |" in good[1]) == (0, True), good
    bad = of_tickets(recorded, "bad", "--baseline", str(recorded / "good.json"))
    assert (bad[0], "worse (-0.67)" in bad[1]) == (0, True), bad


def test_what_the_simulator_answered_is_not_compared_with_a_model(recorded: Path) -> None:
    report = recorded / "good.json"
    report.write_text('{"answered_by": "the simulator, which understands nothing", "sets": {}}')
    status, _, error = of_tickets(recorded, "bad", "--baseline", str(report))
    assert (status, "the simulator answered it, and a model is to answer now" in error) == (2, True), error


def test_a_changed_prompt_is_stale_and_not_green(recorded: Path) -> None:
    prompt = recorded / "prompts/sort-ticket.md"
    prompt.write_text(prompt.read_text() + "Think twice.\n")
    status, shown, _ = of_tickets(recorded, "good")
    assert (status, "| sort-ticket | 12 | 12 | 12 |" in shown) == (1, True), shown


class Priced(BaseHTTPRequestHandler):
    """A model with a list price, whose replies are long."""

    said = '{"reason": "why", "team": "desk"}'

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        reply = {
            "candidates": [{"content": {"parts": [{"text": self.said}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 100_000, "candidatesTokenCount": 100_000},
            "modelVersion": "gemini-2.5-pro",
        }
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(f"data: {json.dumps(reply)}\r\n\r\n".encode())


@pytest.fixture(params=[Priced])
def priced(request: pytest.FixtureRequest) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_it_stops_at_its_budget_and_goes_on_without_paying_twice(recorded: Path, priced: str) -> None:
    """A reply costs 1.1 dollars: the budget is spent with the first that is new, never with those that are recorded."""
    counts = [0]
    for _ in range(2):
        arguments = ("--yes", "--at-once", "1", "--max-cost", "1")
        status, _, error = of_tickets(recorded, "new", *arguments, PENSTOCK_MODEL_BASE_URL=priced)
        assert (status, "of 1.00; run it again to go on" in error) == (1, True), error
        counts.append(len((recorded / "new.jsonl").read_text().splitlines()))
    assert 0 < counts[1] < counts[2]


class Useless(Priced):
    """Its replies do not fit the schema: every case fails, and is paid for."""

    said = '{"reason": "why"}'


@pytest.mark.parametrize("priced", [Useless], indirect=True)
def test_it_stops_at_its_budget_when_all_cases_fail(recorded: Path, priced: str) -> None:
    """Three tries of a case cost more than 3 dollars: the first one that fails is the last."""
    arguments = ("--yes", "--at-once", "1", "--max-cost", "3")
    status, shown, error = of_tickets(recorded, "new", *arguments, PENSTOCK_MODEL_BASE_URL=priced)
    assert (status, "of 3.00; run it again to go on" in error, shown) == (1, True, ""), error
    assert "Traceback" not in error
    kept = len((recorded / "new.jsonl").read_text().splitlines())
    assert 3 <= kept < 12 * 3, "what was paid is kept, and not all was asked"


def test_a_measure_that_does_not_fit_an_output_fails_its_case(folder: Path) -> None:
    measure = "{kind: scores, threshold: 7, at: /nowhere}"
    cases = CASES.replace("{kind: label, at: /category}", measure).replace("technical", "true")
    (folder / "routing.yaml").write_text(cases.replace("category: support", "category: false"))
    status, shown, error = evaluated(folder, "--simulator")
    assert (status, "| routing | 4 | 2 | 0 |" in shown) == (1, True), error
    assert "routing, refund: `category cannot be measured: TypeError" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "nothing"], "--only nothing: there is no such set"),
        (["--baseline", "no-such-revision"], "--baseline no-such-revision: neither a report nor a revision"),
    ],
)
def test_what_cannot_be_carried_out_is_said_before_anything_starts(
    folder: Path, arguments: list[str], said: str
) -> None:
    status, _, error = evaluated(folder, *arguments)
    assert (status, said in error) == (2, True), error


def judged_by(folder: Path, *arguments: str, judge: str = "gemini-2.5-pro", **env: str) -> tuple[int, str, str]:
    """Against `before.json`, whose answers are those of the folder's report, but for their reasons."""
    return evaluated(folder, "--baseline", str(folder / "before.json"), "--judge", judge, *arguments, **env)


@pytest.fixture
def answered_before(folder: Path, model: str) -> Path:
    (folder / "routing.yaml").write_text(CASES.replace("times: 2", "judged: whose reason says what decides"))
    assert evaluated(folder, "--yes", PENSTOCK_MODEL_BASE_URL=model)[0] == 0
    report = json.loads((folder / "report.json").read_text())
    for output in report["sets"]["routing"]["outputs"].values():
        output["reason"] = "No idea."
    (folder / "before.json").write_text(json.dumps(report))
    return folder


def test_what_a_judge_said_is_recorded_and_told_again_without_it(answered_before: Path, model: str) -> None:
    """It is asked twice for each pair. What it was not asked about before is stale, and not green."""
    folder, steering = answered_before, BlockingSteering(model)
    steering.rule(contains='The first answer:\n\n```text\n{\n  "reason": "No idea', reply=saying("second"))
    steering.rule(contains="The second:", reply=saying("first"))
    row = "| routing | 2 | 0 | 0 | 2 | 0 | 0 | 1.00 | 0.34 to 1.00 | cannot tell |"
    asked = judged_by(folder, "--yes", PENSTOCK_MODEL_BASE_URL=model)
    assert (asked[0], row in asked[1]) == (0, True), asked
    recorded = (folder / "recordings.jsonl").read_text().splitlines()
    assert len(recorded) == 2 + 4
    again = judged_by(folder)
    assert (again[0], row in again[1]) == (0, True), again
    before = folder / "before.json"
    before.write_text(before.read_text().replace("No idea.", "No clue."))
    status, shown, _ = judged_by(folder)
    assert (status, "| routing | 0 | 2 | 0 |" in shown) == (1, True), shown
    assert "routing, outage: not judged: `" in shown
    assert "no recorded reply" in shown


def saying(better: str) -> dict[str, object]:
    return {"value": {"reason": "It says what decides.", "better": better}}


def test_a_judge_that_would_judge_itself_is_refused(answered_before: Path) -> None:
    status, _, error = judged_by(answered_before, judge="gemini-3.8-flash")
    assert status == 1
    assert "--judge gemini-3.8-flash: it would judge what it may have answered itself; name another model" in error


def test_a_judge_without_anything_to_compare_with_is_refused(folder: Path) -> None:
    status, _, error = evaluated(folder, "--judge", "gemini-2.5-pro")
    assert (status, "--judge: there is no answer to compare" in error) == (2, True), error


def test_without_a_price_nothing_can_be_kept_below_a_limit(folder: Path, model: str) -> None:
    env = {"PENSTOCK_MODEL_BASE_URL": model, "PENSTOCK_FAST_MODELS": "of-our-own"}
    status, _, error = evaluated(folder, "--yes", **env)
    said = "--max-cost: there is no list price of of-our-own; --max-cost inf sets no limit"
    assert (status, said in " ".join(error.split())) == (2, True), error
    assert not (folder / "recordings.jsonl").exists()
    assert evaluated(folder, "--yes", "--max-cost", "inf", **env)[0] == 0


def test_an_input_that_does_not_fit_its_step_is_named(folder: Path) -> None:
    (folder / "routing.yaml").write_text(CASES.replace("query: ", "question: "))
    status, _, error = evaluated(folder, "--simulator")
    assert status == 1
    assert "routing: the input of outage: query: Field required" in error
