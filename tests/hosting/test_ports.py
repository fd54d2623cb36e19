"""A port that was chosen is nobody else's until it is listened on: systems that start side by side choose many."""

import asyncio
import subprocess
import sys

import pytest

from penstock.hosting import ports

OTHER = """
import sys
from penstock.hosting import ports
ports._CHOSEN = range(*map(int, sys.argv[1:]))
print([ports.free_port() for _ in range(30)])
"""


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> range:
    first = ports.free_port()
    monkeypatch.setattr(ports, "_CHOSEN", range(first, first + 51))
    return ports._CHOSEN


def test_this_process_does_not_choose_it_again(few: range) -> None:
    chosen = [ports.free_port() for _ in range(30)]
    assert len({few.start, *chosen}) == 31


def test_another_process_does_not_choose_it(few: range) -> None:
    command = [sys.executable, "-c", OTHER, str(few.start), str(few.stop)]
    other = subprocess.run(command, capture_output=True, text=True, check=True)
    assert str(few.start) not in other.stdout.strip("[]\n").split(", ")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
async def test_a_server_can_have_it(few: range, host: str) -> None:
    async with await asyncio.start_server(lambda *_: None, host, few.start) as server:
        assert server.is_serving()
        assert ports.free_port(few.start) != few.start


async def test_nobody_answers_there_until_then(few: range) -> None:
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", few.start)
