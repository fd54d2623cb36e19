"""How an MCP server is reached: in code, or in the file of `PENSTOCK_MCP`, whose shape other clients have, too."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator

from penstock.contracts.wire import Wire
from penstock.errors import Misconfigured

#: No double underscore: that stands between the names of server and tool.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*(_[A-Za-z0-9-]+)*")
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def server_name(name: str) -> str:
    """Raises Misconfigured for one that cannot stand in the names of a step and of tools."""
    if len(name) > 32 or not _NAME.fullmatch(name):
        raise Misconfigured(f"MCP server {name!r}: a name is up to 32 of A-Z a-z 0-9 - and single _, a letter first")
    return name


class McpServer(Wire):
    """A `command` to start and talk to over stdio, or a `url` that speaks streamable HTTP.

    `${NAME}` and `${NAME:-default}` in its texts are variables of the worker's environment. Of that environment a
    command is given PATH, HOME and their like, and `env`.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    type: Literal["stdio", "http", "streamable-http"] | None = None
    command: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict, repr=False)
    cwd: str | None = None
    url: str | None = Field(default=None, pattern="^(https?://|\\$\\{)", repr=False)
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    #: That one call may take.
    timeout_seconds: float = Field(default=60, gt=0)
    #: Those that may be called, by the server's own names; None for all it has.
    tools: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "McpServer":
        if (self.command is None) == (self.url is None):
            raise ValueError("a command or a url is needed, and not both")
        return self

    def expanded(self, name: str, environment: Mapping[str, str] = os.environ) -> "McpServer":
        """With the values of its variables. Raises Misconfigured for one that is neither set nor has a default."""

        def value(found: re.Match[str]) -> str:
            if (said := environment.get(found[1], found[2])) is None:
                raise Misconfigured(f"MCP server {name}: the variable {found[1]} is not set")
            return said

        def expand(part: Any) -> Any:
            if isinstance(part, str):
                return _VARIABLE.sub(value, part)
            if isinstance(part, dict):
                return {key: expand(one) for key, one in part.items()}
            return tuple(map(expand, part)) if isinstance(part, tuple) else part

        return McpServer(**{field: expand(getattr(self, field)) for field in McpServer.model_fields})


class _File(Wire):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    mcp_servers: dict[str, McpServer]


def servers_in(path: Path | None) -> dict[str, McpServer]:
    """Those of a file `{"mcpServers": {name: …}}`; none without one. Raises Misconfigured, showing no value of it."""
    if path is None:
        return {}
    try:
        found = _File.model_validate_json(path.read_bytes()).mcp_servers
    except OSError as error:
        raise Misconfigured(f"PENSTOCK_MCP={path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise Misconfigured(f"PENSTOCK_MCP={path}: {place}: {first['msg']}") from None
    return {server_name(name): server for name, server in found.items()}
