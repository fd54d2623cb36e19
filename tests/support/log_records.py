"""What is logged: waiting for it, and its lines."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from penstock.hosting.logs import Formatter
from tests.support.patience import PATIENCE


class LogRecords(logging.Handler):
    """Waits for log records that begin with a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text, self._count, self._changed = text, 0, asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith(self._text):
            self._count += 1
            self._changed.set()

    async def times(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self._count < count:
                self._changed.clear()
                await self._changed.wait()


@contextmanager
def logged(logger: str, text: str) -> Iterator[LogRecords]:
    """The records of one logger that begin with `text`, from entry to exit."""
    records = LogRecords(text)
    logging.getLogger(logger).addHandler(records)
    try:
        yield records
    finally:
        logging.getLogger(logger).removeHandler(records)


@contextmanager
def lines_of(logger: str, *, contents: bool = False) -> Iterator[list[dict[str, Any]]]:
    """What a service writes of one logger's records, from entry to exit."""
    lines: list[dict[str, Any]] = []
    formatter, handler = Formatter("test", as_json=True, contents=contents), logging.Handler()
    handler.emit = lambda record: lines.append(json.loads(formatter.format(record)))  # type: ignore[method-assign]
    of = logging.getLogger(logger)
    before = of.level
    of.addHandler(handler)
    of.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        of.removeHandler(handler)
        of.setLevel(before)
