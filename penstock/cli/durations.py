"""Durations as the command line takes them."""

import re

import typer

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(duration: str) -> float:
    """The seconds in `15m`. Raises BadParameter."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", duration)
    if match is None:
        raise typer.BadParameter(f"{duration!r} is not a number and one of s, m, h, d, such as 15m")
    return float(match[1]) * _UNITS[match[2]]
