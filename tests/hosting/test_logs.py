"""A log's line is one record, in printable characters, without the credentials of URLs."""

import json
import logging
import subprocess
import sys

import pytest

from penstock.hosting.logs import Formatter
from penstock.printable import without_credentials

HOSTILE = "a\x1b[2Jb\x9bc\u202ed\n12:00:00.000 up info forged"


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "test", "levelname": "INFO", "msg": message, **extra})
    try:
        raise ValueError(message)
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_logged_can_be_printed(as_json: bool) -> None:
    """JSON keeps its value. In plain text nothing that is logged begins a line, and so passes for a record."""
    line = Formatter("up", as_json=as_json).format(record(HOSTILE, detail=HOSTILE))
    assert not set("\x1b\x9b\u202e") & set(line)
    if as_json:
        assert (json.loads(line)["message"], json.loads(line)["detail"]) == (HOSTILE, HOSTILE)
    else:
        assert [one for one in line.splitlines()[1:] if not one.startswith("  ")] == []


@pytest.mark.parametrize("as_json", [True, False])
def test_urls_are_logged_without_their_credentials(as_json: bool) -> None:
    line = Formatter("up", as_json=as_json).format(record("at nats://me:hush@host:4222", url="tls://hush@host"))
    assert "hush" not in line
    assert "nats://host:4222" in line
    assert "tls://host" in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nats://me:hush@a:1,nats://hush@b:2", "nats://a:1,nats://b:2"),
        ("no answer from http://me:hu@sh@[::1]:80/x@y?z", "no answer from http://[::1]:80/x@y?z"),
        ("mail me@example.com about http://host/a", "mail me@example.com about http://host/a"),
    ],
)
def test_credentials_are_found_in_any_text(text: str, shown: str) -> None:
    assert without_credentials(text) == shown


def test_warnings_are_records_too() -> None:
    """The SDK's quote what the model sent."""
    code = (
        "import warnings; from penstock.hosting.logs import configure; from penstock.settings import Settings\n"
        "configure(Settings(), 'workers'); warnings.warn('a\\x1b[2Jb')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    assert "\x1b" not in line
    assert "a\x1b[2Jb" in json.loads(line)["message"]
