"""Writes docs/settings.md and docs/errors.md from the code that they document: `python docs/tables.py`."""

from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from penstock.errors import CODES
from penstock.settings import Settings

FOLDER = Path(__file__).parent

_SETTINGS = """\
# Settings

Environment variables, read once when a process starts. Made from `penstock/settings.py` by `docs/tables.py`.

The SDK's own variables are honoured as well: `GEMINI_API_KEY` (or `GOOGLE_API_KEY`) and `GOOGLE_GEMINI_BASE_URL`. With
none of them and no `PENSTOCK_MODEL_BASE_URL`, `penstock up` starts the simulator.

| variable | default | meaning |
|---|---|---|
"""
_ERRORS = """\
# Error codes

Every failure is an RFC 9457 problem object with a `code`. Codes are part of the interface and do not change; titles and
details may. A failed job carries its problem in `job.failed`, in `GET /jobs/<id>`, and with `step` where a step failed.
Made from `penstock/errors.py` by `docs/tables.py`.

| code | status | meaning |
|---|---|---|
"""


def settings() -> str:
    rows = [
        f"| `PENSTOCK_{name.upper()}` | {_shown(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _SETTINGS + "\n".join(rows) + "\n"


def errors() -> str:
    rows = [f"| `{code}` | {status} | {title} |" for code, (status, title) in sorted(CODES.items())]
    return _ERRORS + "\n".join(rows) + "\n"


def _shown(default: Any) -> str:
    if default is None or default is PydanticUndefined or default == ():
        return ""
    return f"`{','.join(map(str, default))}`" if isinstance(default, tuple) else f"`{default}`"


if __name__ == "__main__":
    (FOLDER / "settings.md").write_text(settings(), encoding="utf-8")
    (FOLDER / "errors.md").write_text(errors(), encoding="utf-8")
