"""Rich's text, as commands print it."""

from typing import Any

import rich.text

from penstock.printable import printable


class Text(rich.text.Text):
    """Rich's, of printable characters only; lines may end as Windows ends them."""

    def __init__(self, text: str = "", *arguments: Any, **named: Any) -> None:
        super().__init__(_of(text), *arguments, **named)

    def append(self, text: "rich.text.Text | str", style: Any = None) -> "Text":
        super().append(_of(text) if isinstance(text, str) else text, style)
        return self


def _of(text: str) -> str:
    return printable(text.replace("\r\n", "\n"))
