"""Logging: one JSON object a line, or text for people. Never secrets; prompts and answers where a setting says so."""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from penstock import correlation
from penstock.errors import Diverged, Failure, PatternMistake
from penstock.hosting.redaction import Redaction
from penstock.installed import __version__
from penstock.printable import printable, without_credentials
from penstock.settings import Settings

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

#: Packages whose exceptions speak of connections, settings and files.
_PLAIN = frozenset({"nats", "httpx", "httpcore", "httpx2", "httpcore2", "penstock", "ssl", "asyncio"})
#: Where Python's warnings go, and the beginning of one: place and category.
_WARNINGS, _WARNED = "py.warnings", re.compile(r".*?:\d+: \w+")


#: Of a terminal, by the level.
_COLOURS = {"debug": "\x1b[2m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31;1m"}


class Formatter(logging.Formatter):
    """A record with what it is about (penstock.correlation), the members of its `extra`, and its exception.

    As JSON: `time`, `level`, `service`, `version`, `logger`, `message`, `exception`, and each of the others.
    As text: see `as_text`.
    Either way control characters are escaped, and URLs are without credentials; `secrets` are left out. Not
    `contents`: members that are Contents are left out; of an exception that may quote what it was raised about, there
    are its type and its traceback only.
    """

    def __init__(
        self,
        service: str,
        *,
        as_json: bool,
        colours: bool = False,
        contents: bool = False,
        secrets: Redaction | None = None,
    ) -> None:
        super().__init__()
        self._service, self._as_json, self._colours = service, as_json, colours
        self._contents, self._secrets = contents, secrets

    def format(self, record: logging.LogRecord) -> str:
        members = self._members(record)
        if self._as_json:
            line = printable(json.dumps(members, default=str, ensure_ascii=False))
        else:
            line = as_text(members, colours=self._colours)
        return self._secrets.of(line) if self._secrets else line

    def formatException(self, ei: Any) -> str:
        return super().formatException(ei) if self._contents else "\n\n".join(_without_words(ei[1]))

    def _members(self, record: logging.LogRecord) -> dict[str, Any]:
        message = without_credentials(record.getMessage())
        if record.name == _WARNINGS and not self._contents:
            message = (_WARNED.match(message) or [""])[0]
        members = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "version": __version__,
            "logger": record.name,
            "message": message,
            **correlation.logged(),
        }
        for name in [name for name in vars(record) if name not in _STANDARD]:
            value = getattr(record, name)
            if isinstance(value, correlation.Contents):
                if not self._contents:
                    continue
                value = value.text()
            members[name] = without_credentials(value) if isinstance(value, str) else value
        if record.exc_info:
            members["exception"] = without_credentials(self.formatException(record.exc_info))
        return members


def as_text(members: Mapping[str, Any], *, colours: bool = False) -> str:
    """A record for people: `12:30:01.123 worker info step is tried again  job=… delay=…`, in their own time.

    Its further lines are indented, so that nothing which is logged looks like a record of its own.
    """
    head = ("time", "level", "service", "version", "logger", "message", "exception")
    time, level, service, _, _, message, exception = (str(members.get(name, "")) for name in head)
    try:
        time = datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except ValueError:  # of another version's log
        time = "?"
    rest = "".join(f" {name}={value}" for name, value in members.items() if name not in head)
    said = f"{message} {rest}" if rest else message
    begun = printable(f"{time} {service} {level}").replace("\n", " ")
    if colours and (colour := _COLOURS.get(level)):
        begun = f"{colour}{begun}\x1b[0m"
    text = printable("\n".join(filter(None, (said, exception))).replace("\n", "\n  "))
    return f"{begun} {text}"


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


def configure(settings: Settings, service: str) -> None:
    """Send all logging of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    people = sys.stderr.isatty()
    formatter = Formatter(
        service,
        as_json=not people if settings.log_json is None else settings.log_json,
        colours=people and not os.environ.get("NO_COLOR"),
        contents=settings.log_contents,
        secrets=Redaction(settings),
    )
    handler.setFormatter(formatter)
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
        "opentelemetry",
        "urllib3",
        "uvicorn.access",
        "faststream",
        "watchfiles",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
