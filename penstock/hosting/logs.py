"""Logging: one JSON object a line, or plain text on a terminal. Never payloads, prompts or secrets."""

import json
import logging
import sys
from datetime import UTC, datetime

from penstock import correlation
from penstock.printable import printable, without_credentials
from penstock.settings import Settings

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class Formatter(logging.Formatter):
    """A record with the members of its `extra`, and its exception.

    As JSON: `time`, `level`, `service`, `logger`, `message`, `exception`, and each of `extra`.
    As text for a terminal: `12:30:01.123 worker info step is tried again  job=… delay=…`. Its further lines are
    indented, so that nothing which is logged looks like a record of its own.
    Either way control characters are escaped, and URLs are without credentials.
    """

    def __init__(self, service: str, *, as_json: bool) -> None:
        super().__init__()
        self._service, self._as_json = service, as_json

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC)
        level, message = record.levelname.lower(), without_credentials(record.getMessage())
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


def _shown(value: object) -> object:
    return without_credentials(value) if isinstance(value, str) else value


def configure(settings: Settings, service: str) -> None:
    """Send all logging of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(service, as_json=settings.log_json))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(True)  # the SDK's quote the model; printed, they would reach a terminal as they are
    for noisy in (
        "nats",
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
        "google_genai",
        "uvicorn.access",
        "faststream",
        "watchfiles",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
