"""What no log may hold, taken out of its lines: the second line of defence, behind not logging it.

Secrets of this process's settings, wherever they stand; keys of callers and of Google, by their form.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from penstock.errors import Misconfigured
from penstock.llm.access import KEYS, NO_KEY, keys
from penstock.settings import Settings

#: By what each has in it, or before it.
_BY_FORM = {"Bearer ": r"(?<=Bearer )[^\s\"',]+", "psk_": r"\bpsk_\w+", "AIza": r"\bAIza[\w-]{20,}"}
#: How a collector of traces knows us.
_OTLP_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
#: Shorter ones are words like others.
_SHORTEST = 4


class Redaction:
    """Takes each of them out, as it is and as JSON writes it. A file may get another one: the old one stays one."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._found = settings, set[str]()
        self._files = [Path(file) for file in _files(settings)]
        self._look()

    def _look(self) -> None:
        self._seen = self._changed()
        self._found |= {one for one in _secrets(self._settings) if len(one) >= _SHORTEST and one != NO_KEY}
        found = self._found
        spelled = {text for one in found for text in (one, json.dumps(one)[1:-1], repr(one)[1:-1])}
        ordered = sorted(spelled, key=len, reverse=True)
        self._signs = (*ordered, *_BY_FORM)
        self._pattern = re.compile("|".join((*map(re.escape, ordered), *_BY_FORM.values())))

    def of(self, line: str) -> str:
        """The line without any."""
        if self._files and self._changed() != self._seen:
            self._look()
        if not any(sign in line for sign in self._signs):  # a tenth of what the pattern takes
            return line
        return self._pattern.sub("[redacted]", line)

    def _changed(self) -> list[int]:
        """When each file was: 0 for one that is not there."""
        return [file.stat().st_mtime_ns if file.exists() else 0 for file in self._files]


def _files(settings: Settings) -> Iterator[str | Path]:
    yield from filter(None, (os.environ.get(name) for name in KEYS if name.endswith("_FILE")))
    for name in type(settings).model_fields:
        if name.endswith("_file") and (file := getattr(settings, name)):
            yield file


def _secrets(settings: Settings) -> Iterator[str]:
    for name in type(settings).model_fields:
        if isinstance(value := getattr(settings, name), SecretStr):
            whole = value.get_secret_value()
            yield from (whole, *whole.split(), *(part.partition("_")[2] for part in whole.split()))
    for file in _files(settings):
        with suppress(OSError):
            whole = Path(file).read_text(errors="replace")
            yield from (whole.strip(), *whole.split(), *(part.partition("_")[2] for part in whole.split()))
    for url in settings.nats_url.split(","):
        parts = urlsplit(url)
        yield from filter(None, (parts.password, unquote(parts.password or "")))
        if parts.password is None:
            yield parts.username or ""  # a token
    for name in _OTLP_HEADERS:
        for one in os.environ.get(name, "").split(","):
            value = one.partition("=")[2].strip()
            yield from (value, unquote(value))
    with suppress(Misconfigured):
        yield from keys(settings)
