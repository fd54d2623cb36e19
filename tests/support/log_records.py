"""Waiting for what is logged."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

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
