"""`penstock logs`: what the processes of a local system have logged about one job."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from penstock.cli.printing import echo, say
from penstock.cli.text import Text
from penstock.errors import PenstockError
from penstock.hosting.logs import as_text

_DATA = "Data folder of `penstock up`."
_FOLLOW = "Go on with what is logged from now on, until Ctrl-C."
_JSON = "One JSON object a line, as it is logged; so it is in a pipe."
_STYLES = {"warning": "yellow", "error": "red", "critical": "bold red"}
#: Milliseconds until the files are looked at though nobody has told of a change.
_LOOK = 1_000


def logs(
    job: Annotated[str, typer.Argument(help="A job's id.", metavar="JOB")],
    data: Annotated[Path, typer.Option(help=_DATA, envvar="PENSTOCK_DATA")] = Path("data"),
    follow: Annotated[bool, typer.Option("--follow", metavar="", help=_FOLLOW)] = False,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help=_JSON)] = False,
) -> None:
    """Show what the processes of `penstock up` have logged about a job, in the order of time.

    It reads the files in the data folder: the system need not run any more.
    """
    folder = data / "logs"
    if not any(folder.glob("*.log")):
        raise PenstockError(f"there are no logs in {folder}: --data names the folder of a `penstock up`")
    log, console = JobLog(folder, job), Console()

    def show() -> bool:
        lines = log.new()
        for line, record in lines:
            if as_json or not sys.stdout.isatty():
                echo(line)
            else:
                said = {name: value for name, value in record.items() if name != "job"}
                console.print(Text(as_text(said), style=_STYLES.get(record.get("level", ""), "")), soft_wrap=True)
        return bool(lines)

    if not show():
        if not follow:
            raise PenstockError(f"no line in {folder} is about a job {job}")
        say(f"no line is about a job {job} yet", colour="yellow")
    if follow:
        from watchfiles import watch  # only `penstock[all]` brings it

        for _ in watch(folder, recursive=False, rust_timeout=_LOOK, yield_on_timeout=True):
            show()


class JobLog:
    """The lines about one job in a folder's logs, as far as they are JSON."""

    def __init__(self, folder: Path, job: str) -> None:
        self._folder, self._job = folder, job
        self._read: dict[Path, int] = {}

    def new(self) -> list[tuple[str, dict[str, Any]]]:
        """Whole lines that were written since it was last asked, with what they hold, over all files by their time."""
        found = [one for file in sorted(self._folder.glob("*.log")) for one in self._of(file)]
        return sorted(found, key=lambda one: str(one[1].get("time")))

    def _of(self, file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        with file.open("rb") as opened:
            opened.seek(self._read.get(file, 0))
            for line in opened:
                if not line.endswith(b"\n"):  # the rest is being written
                    break
                self._read[file] = self._read.get(file, 0) + len(line)
                if self._job.encode() in line and (record := _record(line)).get("job") == self._job:
                    yield line.decode(errors="replace").rstrip("\n"), record


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
