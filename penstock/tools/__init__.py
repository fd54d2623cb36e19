"""The tools a model may call. Adding one is a file beside these, and a line in the table."""

from typing import Any, Final

from penstock.contracts.tool import Tool
from penstock.tools.calculate import CALCULATE
from penstock.tools.validate_answer import VALIDATE_ANSWER

__all__ = ["TOOLS"]

#: By the name models call them by.
TOOLS: Final[dict[str, Tool[Any, Any]]] = {tool.name: tool for tool in (CALCULATE, VALIDATE_ANSWER)}
