"""Logging: one JSON object a line, or plain text on a terminal. Never payloads, prompts or secrets."""

import json
import logging
import sys
from datetime import UTC, datetime

from penstock.settings import Settings

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """`time`, `level`, `service`, `logger`, `message`, whatever was given as `extra`, and `exception`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _STANDARD},
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """The same for eyes: `12:30:01.123 worker info step is tried again  job=… delay=…`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S.%f")[:-3]
        extra = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in _STANDARD)
        text = f"{when} {self._service} {record.levelname.lower()} {record.getMessage()}"
        text = f"{text}  {extra}" if extra else text
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def configure(settings: Settings, service: str) -> None:
    """Send all logging of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service) if settings.log_json else TextFormatter(service))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for noisy in ("nats", "httpx", "httpx2", "httpcore", "httpcore2", "google_genai", "uvicorn.access", "faststream"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
