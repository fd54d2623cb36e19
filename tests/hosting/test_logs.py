"""A log's line is one record, in printable characters, without the credentials of URLs."""

import json
import logging
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from penstock.correlation import Contents
from penstock.errors import OutputInvalid
from penstock.hosting.logs import Formatter
from penstock.hosting.redaction import Redaction
from penstock.llm.access import KEYS
from penstock.printable import without_credentials
from penstock.settings import Settings

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
        "configure(Settings(log_contents=True), 'workers'); warnings.warn('a\\x1b[2Jb')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    assert "\x1b" not in line
    assert "a\x1b[2Jb" in json.loads(line)["message"]


#: No line of code has it: tracebacks show those.
PROMPT = "-".join(("a", "prompt"))


class Loud(Exception):
    """As other packages raise them: what it was raised about stands in its text."""


def raised() -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "test", "levelname": "ERROR", "msg": "an executor raised"})
    try:
        try:
            int(PROMPT)
        except ValueError as error:
            raise ExceptionGroup(PROMPT, [Loud(PROMPT), OSError("no such file"), OutputInvalid(PROMPT)]) from error
    except ExceptionGroup:
        made.exc_info = sys.exc_info()
    return made


@pytest.mark.parametrize("as_json", [True, False])
def test_what_an_exception_quotes_is_logged_where_a_setting_says_so(as_json: bool) -> None:
    """The types of all that it is made and came of, and their tracebacks, always; also what only speaks of a file."""
    quiet = Formatter("workers", as_json=as_json).format(raised())
    loud = Formatter("workers", as_json=as_json, contents=True).format(raised())
    assert (PROMPT in quiet, PROMPT in loud) == (False, True)
    for line in (quiet, loud):
        assert all(name in line for name in ("ValueError", "Loud", "ExceptionGroup", "test_logs.py", "no such file"))


def test_warnings_say_where_and_of_what_kind_they_are() -> None:
    """What they say, where a setting allows it."""
    warning = logging.makeLogRecord({"name": "py.warnings", "levelname": "WARNING"})
    warning.msg, warning.args = "%s", (f"/app/a.py:3: UserWarning: {PROMPT}\n  warn()\n",)
    assert json.loads(Formatter("workers", as_json=True).format(warning))["message"] == "/app/a.py:3: UserWarning"
    assert PROMPT in Formatter("workers", as_json=True, contents=True).format(warning)


@pytest.mark.parametrize("as_json", [True, False])
def test_members_that_quote_are_logged_where_a_setting_says_so(as_json: bool) -> None:
    made = logging.makeLogRecord({"msg": "model call begins", "prompt": Contents(lambda: PROMPT), "model": "a-model"})
    quiet = Formatter("workers", as_json=as_json).format(made)
    loud = Formatter("workers", as_json=as_json, contents=True).format(made)
    assert (PROMPT in quiet, PROMPT in loud, "a-model" in quiet) == (False, True, True)
    assert PROMPT not in logging.Formatter("%(message)s %(prompt)s").format(made)  # whoever else has handlers


@pytest.mark.parametrize(
    ("variables", "in_colours", "as_json"),
    [({}, True, False), ({"NO_COLOR": "1"}, False, False), ({"PENSTOCK_LOG_JSON": "true"}, False, True)],
)
def test_in_a_terminal_it_is_text_for_people(variables: dict[str, str], in_colours: bool, as_json: bool) -> None:
    """Where no setting says otherwise; warnings are in colour. Into a file or a pipe go objects."""
    code = (
        "import logging; from penstock.hosting.logs import configure; from penstock.settings import Settings\n"
        "configure(Settings(), 'workers'); logging.warning('low', extra={'left': 3})"
    )
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", code], stderr=theirs, env={**os.environ, **variables}, check=True)
    line = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
    assert line.startswith("{") is as_json
    assert ("\x1b[33m" in line) is in_colours
    assert as_json or re.search(r"\d\d:\d\d:\d\d\.\d{3} workers warning(\x1b\[0m)? low  left=3", line)


def test_so_are_those_of_files_also_what_is_written_into_one_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    key, password = tmp_path / "key", tmp_path / "password"
    key.write_text("the-first-key\n")
    password.write_text("the-first-password")
    monkeypatch.setenv("GEMINI_API_KEY_FILE", str(key))
    redaction = Redaction(Settings(nats_user="me", nats_password_file=password))
    assert redaction.of("the-first-key, the-first-password") == "[redacted], [redacted]"
    for file, secret in ((key, "another-key"), (password, "another-password")):
        file.write_text(secret)
        os.utime(file, ns=(1, 1))  # however coarse the clock of the disk is
    assert redaction.of("another-key, another-password, the-first-key") == "[redacted], [redacted], [redacted]"


def test_secrets_that_come_as_far_as_a_log_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the settings, as they are and as JSON writes them, and keys by their form."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", "of-the-environment")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=us,x-key=of%20a-collector")
    settings = Settings(
        nats_url="nats://me:p%40ss%22word@host:4222,nats://a-token@host:4223",
        nats_token=SecretStr('to"ken'),
        webhook_secret=SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    )
    words = (
        "of-the-environment",
        'p@ss"word',
        "a-token",
        'to"ken',
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "psk_1_abc",
        "of a-collector",
    )
    said = " ".join((*words, "AIzaSyNotARealKeyNotARealKey", "Authorization: Bearer of-a-caller", "the rest"))
    for as_json in (True, False):
        line = Formatter("up", as_json=as_json, secrets=Redaction(settings)).format(record(said))
        assert "the rest" in line
        assert [word for word in (*words, "AIza", "of-a-caller") if word in line.replace('\\"', '"')] == []
