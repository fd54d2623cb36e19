"""`penstock dead`: what could not be handled, and how to submit it again."""

import asyncio
import json
from datetime import datetime

import pytest

from penstock import jobs
from penstock.client import NatsClient
from penstock.contracts.wire import rfc3339
from penstock.jetstream import subjects
from tests.system.cli.system import System

BODY = b'{"query": "Our API answers 502"}'


async def dead_job(nats_url: str, body: bytes) -> str:
    """A job that its aggregator could not take: it has ended failed when this returns."""
    async with NatsClient(nats_url) as client:
        job = jobs.new_job_id()
        await client.bus.once(subjects.job("routing", job), body)
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
    (letter,) = letters(system, "--reason", "invalid_request", "--subject", f"jobs.*.{job}")
    assert (letter["job"], letter["subject"]) == (job, f"jobs.routing.{job}")
    assert "/query" in str(letter["detail"])
    assert letters(system, "--reason", "poisoned", "--subject", f"jobs.*.{job}") == []
    assert json.loads(system.run("dead", "show", str(letter["number"])).stdout) == letter | {"body": '{"query": 5}'}
    assert rfc3339(datetime.fromisoformat(str(letter["time"]))) == letter["time"]
    shown = system.in_terminal("dead", "show", str(letter["number"])).splitlines()
    assert [f"job {job}", 'body {"query": 5}'] == [line for line in shown if line.startswith(("job ", "body "))]


def test_a_replayed_job_is_a_new_job(system: System) -> None:
    """The old id has ended for good; to replay the letter again finds the job of the first time."""
    subject = f"jobs.routing.{jobs.new_job_id()}"
    number = asyncio.run(dead_letter(system.nats_url, subject, "JOBS", BODY))
    replayed = system.run("dead", "replay", str(number))
    assert replayed.returncode == 0, replayed.stderr
    job = replayed.stdout.split()[-1]
    assert replayed.stdout == f"dead letter {number} ({subject}) is now job {job}\n"
    followed = system.run("jobs", "follow", job)
    assert followed.returncode == 0, followed.stderr
    assert json.loads(followed.stdout)["response"]
    again = system.run("dead", "replay", str(number))
    assert again.stdout == f"dead letter {number} ({subject}) was replayed before, as job {job}\n"


def test_a_step_is_replayed_with_its_whole_job(system: System) -> None:
    """Alone it would change nothing any more; the message says what to do."""
    ended = system.run("run", "routing", "--query", "Where is my order?", "--format", "events")
    job = json.loads(ended.stdout.splitlines()[0])["job"]
    subject = f"steps.workers.respond.{job}.respond-1"
    number = asyncio.run(dead_letter(system.nats_url, subject, "STEPS", b"{}"))
    refused = system.run("dead", "replay", str(number))
    assert refused.returncode == 1
    assert f"penstock dead replay {number} --whole-job" in refused.stderr
    replayed = system.run("dead", "replay", str(number), "--whole-job")
    new = replayed.stdout.split()[-1]
    assert new != job
    assert system.run("jobs", "follow", new).returncode == 0


@pytest.mark.parametrize("command", ["show", "replay"])
def test_a_letter_that_is_not_there_is_said_not_to_be(system: System, command: str) -> None:
    ended = system.run("dead", command, "999999")
    assert (ended.returncode, ended.stderr) == (
        1,
        "penstock: there is no dead letter 999999: `penstock dead list` shows those there are\n",
    )
