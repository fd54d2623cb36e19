"""Telling an author what is wrong with their code, and where."""

import inspect
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from penstock.errors import PatternMistake

#: A file and a line in it.
Place = tuple[str, int]
#: Characters of an error's text, and of a value in it, that are shown.
_LONGEST, _LONGEST_VALUE = 600, 80
_FRAME = re.compile(r'^(?P<margin>[ |]*)File "(?P<file>[^"]+)", line (?P<line>\d+)')
_RUNS = str(Path(__file__).parent / "runs") + os.sep


def called_from() -> Place:
    """Where the author's code called the run: the first frame outside penstock/runs."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith((_RUNS, __file__)) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def defined_at(function: Callable[..., Any]) -> Place:
    code = inspect.unwrap(function).__code__
    return code.co_filename, code.co_firstlineno


def mistake(what: str, place: Place) -> PatternMistake:
    return PatternMistake(f"{what} ({shown(place)})")


def shown(place: Place) -> str:
    """`file:line`; a file below the current folder as it is seen from there."""
    file, line = place
    here = Path.cwd()
    return f"{Path(file).relative_to(here) if Path(file).is_relative_to(here) else file}:{line}"


def shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def told(error: BaseException, function: Callable[..., Any]) -> str:
    """What was raised, in a sentence, with the last line of the code beside `function` that it came through."""
    if isinstance(error, PatternMistake):  # it names its place
        return str(error)[:_LONGEST]
    module = sys.modules.get(function.__module__)
    home = str(Path(getattr(module, "__file__", None) or "/").parent) + os.sep
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(home)] or list(frames)
    where = f" ({shown((own[-1].filename, own[-1].lineno or 0))})" if own else ""
    text = str(error)[:_LONGEST]
    return f"{type(error).__name__}{text and ': '}{text}{where}"


def leaves(error: BaseException) -> list[BaseException]:
    """The errors in a group, as asyncio.TaskGroup raises it; of another the error itself."""
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return [leaf for member in members for leaf in leaves(member)] or [error]


@cache
def is_own(file: str) -> bool:
    """Whether a file is an author's: neither Penstock's, nor the standard library's, nor an installed package's."""
    others = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return not file.startswith(("<", *(f"{one}{os.sep}" for one in (Path(__file__).parent, *others))))


def raised_at(error: BaseException) -> str | None:
    """`file:line` where an author's file last had a part in an error; of a syntax error, where that is."""
    if isinstance(error, SyntaxError) and error.filename:
        return shown((error.filename, error.lineno or 1))
    frames = traceback.extract_tb(error.__traceback__)
    return next((shown((one.filename, one.lineno or 1)) for one in reversed(frames) if is_own(one.filename)), None)


def own_frames(text: str) -> str:
    """A traceback as Python writes it, of whose frames only an author's own are left; as it is where there are none."""
    kept: list[str] = []
    keeping, inside = True, ""
    for line in text.splitlines():
        if found := _FRAME.match(line):
            keeping, inside = is_own(found["file"]), found["margin"] + "  "
        elif not line.startswith(inside or "\0"):
            keeping, inside = True, ""
        if keeping:
            kept.append(line)
    return "\n".join(kept) if any(map(_FRAME.match, kept)) else text
