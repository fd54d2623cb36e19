"""What `penstock up` shows of what an author's code raises."""

import asyncio
import json
import logging
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from penstock.hosting.logs import Formatter
from penstock.local.tracebacks import Tracebacks
from penstock.mistakes import own_frames, raised_at
from tests.support.patience import PATIENCE


def logged(number: int, *, message: str = "an executor raised: ValueError") -> str:
    """A line as a service logs it, of an error in a file of this test's and in the standard library."""
    try:
        json.loads(f"{number}, no JSON")
    except ValueError as error:
        record = logging.makeLogRecord(
            {"msg": message, "levelname": "ERROR", "exc_info": (type(error), error, error.__traceback__)}
        )
        record.__dict__ |= {"job": f"job-{number}", "pattern": "mine", "step": "sort"}
        return Formatter("workers", as_json=True, contents=True).format(record) + "\n"
    raise AssertionError


async def test_the_same_is_told_once_and_so_many_at_once(tmp_path: Path) -> None:
    log = tmp_path / "workers-1.log"
    log.write_text(logged(0))
    watched = Tracebacks(tmp_path, within=600)
    async with asyncio.timeout(PATIENCE), aclosing(aiter(watched)) as told:
        first: Any = asyncio.ensure_future(anext(told))
        lines = ["no JSON\n", logged(1, message="a step is tried again"), logged(10), logged(10)]
        while not first.done():  # the watch begins at some time
            with log.open("a") as file:
                file.writelines(lines)
            lines = [logged(10)]
            tmp_path.chmod(0o700)  # a change of the folder itself
            await asyncio.wait({first}, timeout=0.1)
        with log.open("a") as file:
            file.writelines(logged(number) for number in (20000, 300000, 4000000, 50000000, 600000000))
        texts = [await first, *[await anext(told) for _ in range(4)]]
    assert [text.partition("job job-")[2].partition("\n")[0].partition(" ")[0] for text in texts] == [
        "10",
        "20000",
        "300000",
        "4000000",
        "50000000",
    ]
    assert texts[0].startswith("workers-1: an executor raised: ValueError\n  in mine/sort, job job-10\n  Traceback")
    assert texts[0].count("  File ") == 1
    assert f'File "{__file__}"' in texts[0]


def test_a_traceback_without_a_frame_of_the_authors_is_left_as_it_is() -> None:
    text = 'Traceback (most recent call last):\n  File "<frozen x>", line 1, in y\nValueError: z'
    assert own_frames(text) == text
    own = text.replace("ValueError", f'  File "{__file__}", line 2, in z\n    code\n    ^^^^\nValueError')
    assert own_frames(own) == own.replace('  File "<frozen x>", line 1, in y\n', "")


def test_a_syntax_error_is_where_it_is() -> None:
    with pytest.raises(SyntaxError) as raised:
        compile("x = 1\ny =\n", "patterns/mine.py", "exec")
    assert raised_at(raised.value) == "patterns/mine.py:2"
