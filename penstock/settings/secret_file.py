"""A secret in a file, which may get another one while a process runs."""

from contextlib import suppress
from pathlib import Path

from penstock.errors import Misconfigured


class SecretFile:
    """Call it for what the file has now, without blanks around it; while that cannot be read, or is nothing, for what
    it had before. `named`: the setting.

    Raises Misconfigured when made for a file that cannot be read, or has nothing in it.
    """

    def __init__(self, path: Path, named: str) -> None:
        self._path = path
        try:
            self._last = _read(path)
        except OSError as error:
            raise Misconfigured(f"{named}={path}: {error.strerror}") from error
        if not self._last:
            raise Misconfigured(f"{named}={path}: the file is empty")

    def __call__(self) -> str:
        with suppress(OSError):
            self._last = _read(self._path) or self._last
        return self._last


def _read(path: Path) -> str:
    return path.read_bytes().decode(errors="replace").strip()
