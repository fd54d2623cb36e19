"""What models and callers write does not steer the terminal it is shown in, whichever command shows it."""

import asyncio
import json
import re

import pytest

from penstock.client import NatsClient
from penstock.jetstream import subjects
from penstock.printable import printable
from tests.support.simulator import BlockingSteering
from tests.system.cli.system import System, penstock

#: A title, a cleared screen, a link, the clipboard, C1's beginning of a sequence, direction, lines, tags, DEL.
HOSTILE = " ".join(
    (
        "a\x1b]0;title\x07",
        "b\x1b[3J",
        "c\x1b]8;;http://evil.test\x1b\\link",
        "d\x1b]52;c;aGk=\x07",
        "e\x9b3J",
        "f\u202egnp\u2066",
        "g\u2028h",
        "i\U000e0041",
        "j\x7f\b\r",
    )
)
QUERY = ("--query", f"Where is it? {HOSTILE}")
#: What Rich itself writes: colours, and the movements and hidden cursor of the live view.
OWN = re.compile(r"\x1b\[(\d+(;\d+)*m|\?25[lh]|2K|1A)|\r")


@pytest.fixture
def hostile(system: System, steering: BlockingSteering) -> System:
    steering.rule(step="respond", reply={"merge": {"response": HOSTILE, "nextSteps": [HOSTILE]}})
    return system


def harmless(shown: str, *, tells: bool = True) -> None:
    """All of it can be seen, nothing is obeyed; `tells`: the hostile text is in it."""
    left = OWN.sub("", shown)
    assert not set(left) - {"\n"} & {chr(code) for code in (*range(32), *range(127, 160))}, left
    assert printable(left) == left
    assert not tells or "b\\u001b[3J" in left


@pytest.mark.parametrize(
    "format", [*(pytest.param(one, marks=pytest.mark.long) for one in ("json", "events", "log")), "view"]
)
def test_of_a_run(hostile: System, format: str) -> None:
    """In a pipe and in a terminal. What is JSON has the same value as before."""
    ended = hostile.run("run", "routing", *QUERY, "--format", format)
    harmless(ended.stdout)
    if format == "json":
        assert json.loads(ended.stdout)["response"] == HOSTILE
    harmless(hostile.in_terminal("run", "routing", *QUERY, "--format", format, raw=True))


@pytest.mark.long
def test_of_a_job_that_is_looked_at(hostile: System) -> None:
    job = hostile.run("run", "routing", *QUERY, "--detach").stdout.strip()
    for arguments in (("jobs", "follow", job), ("jobs", "show", job)):
        piped = hostile.run(*arguments).stdout
        harmless(piped)
        found = json.loads(piped)
        assert found.get("result", found)["response"] == HOSTILE
        harmless(hostile.in_terminal(*arguments, raw=True))


@pytest.mark.long
def test_of_a_provider_s_error(system: System, steering: BlockingSteering) -> None:
    steering.rule(step="classify", fault={"status": 400, "message": HOSTILE})
    ended = system.run("run", "routing", *QUERY)
    assert ended.returncode == 1
    harmless(ended.stderr)
    job = ended.stderr.splitlines()[0].removeprefix("job ")
    harmless(system.run("jobs", "show", job).stdout)
    harmless(system.in_terminal("jobs", "show", job, raw=True))
    harmless(system.run("jobs", "list", "--limit", "1").stdout, tells=False)


@pytest.mark.long
def test_of_a_dead_letter(system: System) -> None:
    headers = {subjects.DEAD_REASON_HEADER: "poisoned", subjects.DEAD_DETAIL_HEADER: "d\x1b[3J \x9b3J \u202e"}

    async def left() -> int:
        async with NatsClient(system.nats_url) as client:
            return await client.bus.append(subjects.dead("jobs.default.x.y"), HOSTILE.encode(), headers=headers)

    number = asyncio.run(left())
    assert json.loads(system.run("dead", "show", str(number)).stdout)["body"] == HOSTILE
    for arguments in (("dead", "show", str(number)), ("dead", "list")):
        harmless(system.run(*arguments).stdout, tells=False)
        harmless(system.in_terminal(*arguments, raw=True), tells=False)
    assert "b\\u001b[3J" in system.in_terminal("dead", "show", str(number))


@pytest.mark.long
def test_of_the_demo(hostile: System) -> None:
    ended = penstock("demo", "--only", "routing", PENSTOCK_MODEL_BASE_URL=hostile.url("simulator"))
    assert ended.returncode == 0, ended.stdout
    harmless(ended.stdout)


def test_of_a_command_line() -> None:
    """Halves of characters as well, which could not even be written."""
    ended = penstock("jobs", "show", "x\x1b[3J\udcff", "--url", f"http://me:hush@127.0.0.1:9/{HOSTILE}")
    assert ended.returncode == 1
    harmless(ended.stderr, tells=False)
    assert "hush" not in ended.stderr
