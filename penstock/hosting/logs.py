"""Logging: one JSON object a line, or plain text on a terminal. Never payloads, prompts or secrets."""

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from penstock import correlation
from penstock.errors import Diverged, Failure, PatternMistake
from penstock.hosting.redaction import secret_texts
from penstock.printable import printable, without_credentials
from penstock.settings import Settings

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

#: Packages whose exceptions speak of connections, settings and files.
_PLAIN = frozenset({"nats", "httpx", "httpcore", "httpx2", "httpcore2", "penstock", "ssl", "asyncio"})
#: Where Python's warnings go, and the beginning of one: place and category.
_WARNINGS, _WARNED = "py.warnings", re.compile(r".*?:\d+: \w+")


class Formatter(logging.Formatter):
    """A record with the members of its `extra`, and its exception.

    As JSON: `time`, `level`, `service`, `logger`, `message`, `exception`, and each of `extra`.
    As text for a terminal: `12:30:01.123 worker info step is tried again  job=… delay=…`. Its further lines are
    indented, so that nothing which is logged looks like a record of its own.
    Either way control characters are escaped, and URLs are without credentials; what `secret` matches is left out. Not
    `contents`: of an exception that may quote what it was raised about, there are its type and its traceback only.
    """

    def __init__(
        self, service: str, *, as_json: bool, contents: bool = False, secret: re.Pattern[str] | None = None
    ) -> None:
        super().__init__()
        self._service, self._as_json, self._contents, self._secret = service, as_json, contents, secret

    def format(self, record: logging.LogRecord) -> str:
        line = self._line(record)
        return self._secret.sub("[redacted]", line) if self._secret else line

    def formatException(self, ei: Any) -> str:
        return super().formatException(ei) if self._contents else "\n\n".join(_without_words(ei[1]))

    def _line(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC)
        level, message = record.levelname.lower(), without_credentials(record.getMessage())
        if record.name == _WARNINGS and not self._contents:
            message = (_WARNED.match(message) or [""])[0]
        given = {name: _shown(value) for name, value in vars(record).items() if name not in _STANDARD}
        extra = {**correlation.logged(), **given}
        exception = {"exception": without_credentials(self.formatException(record.exc_info))} if record.exc_info else {}
        if self._as_json:
            stamp = time.isoformat(timespec="milliseconds")
            known = {"time": stamp, "level": level, "service": self._service, "logger": record.name, "message": message}
            return printable(json.dumps(known | extra | exception, default=str, ensure_ascii=False))
        stamp = time.astimezone().strftime("%H:%M:%S.%f")[:-3]
        members = "".join(f" {name}={value}" for name, value in extra.items())
        text = f"{stamp} {self._service} {level} {message}" + (f" {members}" if members else "")
        return printable("\n".join((text, *exception.values())).replace("\n", "\n  "))


def _without_words(error: BaseException | None) -> Iterator[str]:
    """An exception after those it came of, each with its traceback; what it says where that quotes nobody."""
    if error is None:
        return
    yield from _without_words(error.__cause__ or (None if error.__suppress_context__ else error.__context__))
    for one in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _without_words(one)
    kind = type(error)
    plain = isinstance(error, OSError) or kind.__module__.partition(".")[0] in _PLAIN
    said = f": {error}" if plain and not isinstance(error, Failure | Diverged | PatternMistake) else ""
    traced = "".join(traceback.format_tb(error.__traceback__))
    yield f"Traceback (most recent call last):\n{traced}{kind.__module__}.{kind.__qualname__}{said}"


def _shown(value: object) -> object:
    return without_credentials(value) if isinstance(value, str) else value


def configure(settings: Settings, service: str) -> None:
    """Send all logging of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    secret = secret_texts(settings)
    handler.setFormatter(Formatter(service, as_json=settings.log_json, contents=settings.log_contents, secret=secret))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(True)  # the SDK's quote the model; printed, they would reach a terminal as they are
    for noisy in (
        "nats",
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
        "google",
        "google_genai",
        "mcp",
        "urllib3",
        "uvicorn.access",
        "faststream",
        "watchfiles",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
