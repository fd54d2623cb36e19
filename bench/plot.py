"""Lines over a few equally spaced places, as SVG that needs nothing else."""

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 360, 64, 190, 44, 52
#: Told apart by those who see no colours by their dashes as well.
_STYLES = (("#0b6e4f", ""), ("#b23a48", "7 4"), ("#2f5d9f", "2 3"), ("#8a6d00", "10 3 2 3"))


def lines(
    title: str, x: str, y: str, places: Sequence[int], series: Mapping[str, Sequence[float]], *, log: bool
) -> str:
    """`series`: for each name a value a place. `log`: whether the values' axis is logarithmic."""
    values = [value for each in series.values() for value in each]
    ticks = _decades(values) if log else _steps(max(values))
    low, high = (math.log10(ticks[0]), math.log10(ticks[-1])) if log else (0.0, ticks[-1])

    def across(place: int) -> float:
        return _LEFT + place * (_WIDTH - _LEFT - _RIGHT) / max(1, len(places) - 1)

    def up(value: float) -> float:
        share = ((math.log10(value) if log else value) - low) / (high - low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    end = _WIDTH - _RIGHT
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#222">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        _text(_LEFT, 24, title, size=15),
        _text((_LEFT + end) / 2, _HEIGHT - 12, x, anchor="middle"),
        _text(_LEFT - 8, _TOP - 16, y, anchor="end"),
    ]
    for tick in ticks:
        out.append(f'<path d="M{_LEFT} {up(tick):.1f}H{end}" stroke="#ddd"/>')
        out.append(_text(_LEFT - 8, up(tick) + 4, f"{tick:g}", anchor="end"))
    out += [_text(across(at), _HEIGHT - _BOTTOM + 20, f"{place:,}", anchor="middle") for at, place in enumerate(places)]
    labels = _apart({name: up(each[-1]) for name, each in series.items()})
    for (name, each), (colour, dashes) in zip(series.items(), _STYLES, strict=False):
        points = " ".join(f"{across(at):.1f},{up(value):.1f}" for at, value in enumerate(each))
        out.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
        )
        for at, value in enumerate(each):
            spot = f'cx="{across(at):.1f}" cy="{up(value):.1f}"'
            out.append(f'<circle {spot} r="3.5" fill="{colour}"><title>{escape(name)}: {value:.3g}</title></circle>')
        out.append(_text(end + 12, labels[name] + 4, name, colour=colour))
    return "\n".join([*out, "</svg>", ""])


def _steps(most: float) -> list[float]:
    """From 0 to above `most`, four to eight of them."""
    step = 10 ** math.floor(math.log10(most or 1))
    step = next(step * part for part in (0.2, 0.25, 0.5, 1, 2) if most / (step * part) <= 7)
    return [step * number for number in range(math.ceil(most / step) + 1)]


def _decades(values: Sequence[float]) -> list[float]:
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def _apart(heights: Mapping[str, float]) -> dict[str, float]:
    """The same, none nearer to the next than a line of text."""
    placed: dict[str, float] = {}
    for name, height in sorted(heights.items(), key=lambda one: one[1]):
        placed[name] = max([height, *(other + 17 for other in placed.values())])
    return placed


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 13, colour: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(text)}</text>'
    )
