"""`penstock dead`: what could not be handled, and how to submit it again."""

import asyncio
import json
from datetime import datetime

import pytest

from penstock import jobs
from penstock.client import NatsClient
from penstock.contracts.webhook import Hook
from penstock.contracts.wire import rfc3339
from penstock.jetstream import subjects
from tests.support.naming import named
from tests.system.cli.system import System

pytestmark = pytest.mark.long

BODY = b'{"query": "Our API answers 502"}'


async def dead_job(nats_url: str, body: bytes) -> str:
    """A job that its aggregator could not take: it has ended failed when this returns."""
    async with NatsClient(nats_url) as client:
        job = jobs.new_job_id()
        await client.bus.once(subjects.job("routing", named(job)), body)
        assert [event async for event in client.follow(job)]
        return job


async def dead_letter(nats_url: str, subject: str, stream: str, body: bytes) -> int:
    """A letter as a service leaves it; its number."""
    headers = {
        subjects.DEAD_REASON_HEADER: "poisoned",
        subjects.DEAD_DETAIL_HEADER: "given up at delivery 9",
        subjects.DEAD_SUBJECT_HEADER: subject,
        subjects.DEAD_STREAM_HEADER: stream,
        subjects.DEAD_SEQUENCE_HEADER: "1",
    }
    async with NatsClient(nats_url) as client:
        return await client.bus.append(subjects.dead(subject), body, headers=headers)


def letters(system: System, *arguments: str) -> list[dict[str, object]]:
    ended = system.run("dead", "list", *arguments)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_dead_job_is_listed_with_its_reason(system: System) -> None:
    """Filtered by reason and by subject; one letter can be shown with its body."""
    job = asyncio.run(dead_job(system.nats_url, b'{"query": 5}'))
    (letter,) = letters(system, "--reason", "invalid_request", "--subject", f"jobs.*.*.{job}")
    assert (letter["job"], letter["subject"]) == (job, f"jobs.default.routing.{job}")
    assert "/query" in str(letter["detail"])
    assert letters(system, "--reason", "poisoned", "--subject", f"jobs.*.*.{job}") == []
    assert json.loads(system.run("dead", "show", str(letter["number"])).stdout) == letter | {"body": '{"query": 5}'}
    assert rfc3339(datetime.fromisoformat(str(letter["time"]))) == letter["time"]
    shown = system.in_terminal("dead", "show", str(letter["number"])).splitlines()
    assert [f"job {job}", 'body {"query": 5}'] == [line for line in shown if line.startswith(("job ", "body "))]


def test_a_replayed_job_is_a_new_job(system: System) -> None:
    """The old id has ended for good; to replay the letter again finds the job of the first time."""
    subject = f"jobs.default.routing.{jobs.new_job_id()}"
    number = asyncio.run(dead_letter(system.nats_url, subject, "JOBS", BODY))
    replayed = system.run("dead", "replay", str(number))
    assert replayed.returncode == 0, replayed.stderr
    told = json.loads(replayed.stdout)
    job = told["job"]
    assert told == {"number": number, "subject": subject, "job": job, "new": True}
    followed = system.run("jobs", "follow", job)
    assert followed.returncode == 0, followed.stderr
    assert json.loads(followed.stdout)["response"]
    again = system.run("dead", "replay", str(number))
    assert json.loads(again.stdout) == told | {"new": False}
    shown = system.in_terminal("dead", "replay", str(number))
    assert shown.split() == f"dead letter {number} ({subject}) was replayed before, as job {job}".split()


def test_a_step_is_replayed_with_its_whole_job(system: System) -> None:
    """Alone it would change nothing any more; the message says what to do."""
    ended = system.run("run", "routing", "--query", "Where is my order?", "--format", "events")
    job = json.loads(ended.stdout.splitlines()[0])["job"]
    subject = f"steps.normal.workers.routing.respond.default.{job}.respond-1"
    number = asyncio.run(dead_letter(system.nats_url, subject, "STEPS", b"{}"))
    refused = system.run("dead", "replay", str(number))
    assert refused.returncode == 1
    assert f"penstock dead replay {number} --whole-job" in refused.stderr
    replayed = system.run("dead", "replay", str(number), "--whole-job")
    new = json.loads(replayed.stdout)["job"]
    assert new != job
    assert system.run("jobs", "follow", new).returncode == 0


def test_replaying_goes_on_after_what_cannot_be_replayed(system: System) -> None:
    """That is said on standard error, and the command fails in the end."""
    subject = f"jobs.default.routing.{jobs.new_job_id()}"
    number = asyncio.run(dead_letter(system.nats_url, subject, "JOBS", BODY))
    replayed = system.run("dead", "replay", "999998", str(number), "999999")
    assert replayed.returncode == 1
    assert json.loads(replayed.stdout)["number"] == number
    assert [line.split(":")[1] for line in replayed.stderr.splitlines()] == [
        " there is no dead letter 999998",
        " there is no dead letter 999999",
    ]


def test_a_webhook_is_sent_again(system: System) -> None:
    """Its letter names its job. It is queued with all its tries; while it is, another replay changes nothing."""
    ended = system.run("run", "routing", "--query", "Where is my order?", "--format", "events")
    job = json.loads(ended.stdout.splitlines()[0])["job"]
    hook = Hook(url="https://127.0.0.1:1/").model_dump_json().encode()
    number = asyncio.run(dead_letter(system.nats_url, f"hooks.default.{job}", "HOOKS", hook))
    (letter,) = letters(system, "--subject", f"hooks.default.{job}")
    assert letter["job"] == job
    replayed = system.run("dead", "replay", str(number))
    assert json.loads(replayed.stdout) == {"number": number, "subject": f"hooks.default.{job}", "job": job, "new": True}
    again = json.loads(system.run("dead", "replay", str(number)).stdout)
    assert (again["job"], again["new"]) == (job, False)
    lost = asyncio.run(dead_letter(system.nats_url, "hooks.default.nobody", "HOOKS", hook))
    assert "job nobody is past its retention" in system.run("dead", "replay", str(lost)).stderr


def test_letters_are_purged(system: System) -> None:
    """By number, or by what `list` would show with the same options; the others stay."""
    job = jobs.new_job_id()
    numbers = [asyncio.run(dead_letter(system.nats_url, f"steps.{job}.{step}.x.y", "STEPS", b"{}")) for step in "abcd"]
    purged = system.run("dead", "purge", str(numbers[0]), "999999")
    assert (purged.returncode, "no dead letter 999999" in purged.stderr) == (1, True)
    assert [json.loads(line)["number"] for line in purged.stdout.splitlines()] == numbers[:1]
    shown = system.in_terminal("dead", "purge", "--subject", f"steps.{job}.b.>")
    assert shown.split() == f"dead letter {numbers[1]} (steps.{job}.b.x.y) is gone".split()
    assert system.run("dead", "purge", "--subject", f"steps.{job}.c.>", "--reason", "invalid_request").stdout == ""
    assert [letter["number"] for letter in letters(system, "--subject", f"steps.{job}.>")] == numbers[2:]
    for wrong in ((), ("--all", str(numbers[2])), ("--reason", "poisoned", str(numbers[2]))):
        assert system.run("dead", "purge", *wrong).returncode == 2
    assert system.run("dead", "purge", "--all").returncode == 0
    assert letters(system) == []


@pytest.mark.parametrize("command", ["show", "replay", "purge"])
def test_a_letter_that_is_not_there_is_said_not_to_be(system: System, command: str) -> None:
    ended = system.run("dead", command, "999999")
    assert (ended.returncode, ended.stderr) == (
        1,
        "penstock: there is no dead letter 999999: `penstock dead list` shows those there are\n",
    )
