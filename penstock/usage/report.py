"""What was used from one day to another, by what the reader asks for."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

from penstock.contracts.usage import By, Sum, UsageReport, UsageRow
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.usage.folding import DayTotals

#: Days of a report where none is named.
_DAYS = 30
_MOST_DAYS = 1_000
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def report(bus: Bus, first: date, last: date, by: Sequence[By], *, tenant: str = "*") -> UsageReport:
    """Of one tenant, or of all, as far as the journal is added up. Both days are in it."""
    rows: dict[tuple[Any, ...], UsageRow] = {}
    total, prices = UsageRow(), set[str]()
    for month in _months(first, last):
        async for stored in bus.history(subjects.usage(tenant, f"{month}-*")):
            whose, _, day_of_month = subjects.tokens(stored.subject)
            day = date.fromisoformat(f"{month}-{day_of_month}")
            if not first <= day <= last:
                continue
            totals = DayTotals.model_validate_json(stored.data)
            prices.update(totals.prices)
            for line in totals.lines:
                names = dict(line) | {"day": day, "tenant": whose}
                named = {name: names[name] for name in by}
                key = tuple(named.values())
                rows[key] = rows.get(key, UsageRow(**named)).add(line)
                total = total.add(line)
    ordered = tuple(rows[key] for key in sorted(rows))
    return UsageReport(first=first, last=last, rows=ordered, total=total, prices=tuple(sorted(prices)))


def days(first: date | None, last: date | None) -> tuple[date, date]:
    """Those that were asked for; else the last 30, with today. Raises ValueError for none, or too many."""
    last = last or datetime.now(UTC).date()
    first = first or last - min(timedelta(days=_DAYS - 1), last - date.min)
    if not 0 <= (last - first).days < _MOST_DAYS:
        raise ValueError(f"from {first} to {last} is not 1 to {_MOST_DAYS:,} days")
    return first, last


def columns(by: str) -> tuple[By, ...]:
    """What usage is to be told by, from names between commas. Raises ValueError for others."""
    names = list(dict.fromkeys(name.strip() for name in by.split(",")))
    known = get_args(By)
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{', '.join(unknown)[:100]!r} is none of {', '.join(known)}")
    return tuple(name for name in known if name in names)


def as_csv(found: UsageReport, by: Sequence[By]) -> str:
    """A line for each row, with a heading; a cost that is not known is empty."""
    numbers = list(Sum.model_fields)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*by, *numbers, *(f"wasted_{name}" for name in numbers)])
    for row in found.rows:
        names = [_harmless(str(getattr(row, name))) for name in by]
        writer.writerow([*names, *(getattr(one, name) for one in (row, row.wasted) for name in numbers)])
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _months(first: date, last: date) -> list[str]:
    """Such as 2026-11."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12}-{number % 12 + 1:02}" for number in numbers]
