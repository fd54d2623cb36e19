"""A request for each pattern, as JSON and as what a chat says."""

from dataclasses import dataclass
from typing import Any

from penstock_gateway.chat import main_field

from penstock.patterns import PATTERNS


@dataclass(frozen=True, slots=True)
class Asked:
    """`text` is what the user types into a chat; `rest` what the page adds to it."""

    name: str
    body: dict[str, Any]
    text: str
    rest: dict[str, Any]


def examples() -> list[Asked]:
    """Each pattern's own example."""
    found = []
    for pattern in PATTERNS:
        body = pattern.example.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        field = main_field(pattern)
        rest = {name: value for name, value in body.items() if name != field}
        found.append(Asked(pattern.name, body, body[field], rest))
    return found
