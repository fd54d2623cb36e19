"""Which release wrote a message: what is written once says so in a header, and a newer one may not be read here."""

from collections.abc import Mapping

from penstock.installed import __version__, numbers

#: Of jobs, steps, facts, webhooks and dead letters; not of events, which are many: an outcome has it for its step's.
VERSION_HEADER = "Penstock-Version"
#: Of a longer one, nothing more is told.
_LONGEST = 40


def signed(headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """These headers, with this release; what a message has from another one stays."""
    return {VERSION_HEADER: __version__, **(headers or {})}


def newer(headers: Mapping[str, str] | None) -> str | None:
    """The release that wrote it, where that is newer than this one."""
    by = (headers or {}).get(VERSION_HEADER, "")[:_LONGEST]
    return by if numbers(by) > numbers(__version__) else None
