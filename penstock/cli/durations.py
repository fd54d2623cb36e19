"""Durations as the command line takes and shows them."""

import re

import typer

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds(duration: str) -> float:
    """The seconds in `15m`. Raises BadParameter."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", duration)
    if match is None:
        raise typer.BadParameter(f"{duration!r} is not a number and one of s, m, h, d, such as 15m")
    return float(match[1]) * _UNITS[match[2]]


def shortly(duration: float) -> str:
    """Seconds in their two largest units: `41s`, `3m 5s`, `2h 11m`, `6d 4h`."""
    whole = round(duration)
    if whole < 60:
        return f"{whole}s"
    units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]
    first = next(place for place, (_, size) in enumerate(units) if whole >= size)
    (large, size), (small, rest) = units[first : first + 2]
    return f"{whole // size}{large} {whole % size // rest}{small}"
