"""Penstock: LLM agent patterns as independent services over NATS JetStream, streamed from the first token.

What is named here is all that the author of a pattern or a caller needs. A name is imported at its first use:
`import penstock` itself imports nothing, and a name needs no package that its own code does not need.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "Depends",
    "Failure",
    "HttpClient",
    "McpServer",
    "NatsClient",
    "Options",
    "Pattern",
    "PatternFailure",
    "PatternRequest",
    "Prompt",
    "Run",
    "Step",
    "StepContext",
    "StepFailed",
    "Tool",
    "Transient",
    "WaitTimedOut",
    "Wire",
    "__version__",
    "mcp_tools",
    "tool",
    "tool_agent",
]

if TYPE_CHECKING:
    from penstock.client.over_http import HttpClient
    from penstock.client.over_nats import NatsClient
    from penstock.contracts.options import Options, PatternRequest
    from penstock.contracts.prompt import Prompt
    from penstock.contracts.step import Step
    from penstock.contracts.tool import Tool, tool
    from penstock.contracts.wire import Wire
    from penstock.depends import Depends
    from penstock.errors import Failure, PatternFailure, StepFailed, Transient, WaitTimedOut
    from penstock.installed import __version__
    from penstock.mcp import McpServer, mcp_tools
    from penstock.pattern import Pattern, Run, StepContext
    from penstock.patterns.tool_agent import tool_agent
else:  # the same, at first use; a type checker that saw this function would believe in any name
    _MODULES = {
        "Depends": "penstock.depends",
        "Failure": "penstock.errors",
        "HttpClient": "penstock.client.over_http",
        "McpServer": "penstock.mcp",
        "NatsClient": "penstock.client.over_nats",
        "Options": "penstock.contracts.options",
        "Pattern": "penstock.pattern",
        "PatternFailure": "penstock.errors",
        "PatternRequest": "penstock.contracts.options",
        "Prompt": "penstock.contracts.prompt",
        "Run": "penstock.pattern",
        "Step": "penstock.contracts.step",
        "StepContext": "penstock.pattern",
        "StepFailed": "penstock.errors",
        "Tool": "penstock.contracts.tool",
        "Transient": "penstock.errors",
        "WaitTimedOut": "penstock.errors",
        "Wire": "penstock.contracts.wire",
        "__version__": "penstock.installed",
        "mcp_tools": "penstock.mcp",
        "tool": "penstock.contracts.tool",
        "tool_agent": "penstock.patterns.tool_agent",
    }

    def __getattr__(name):
        """Raises ModuleNotFoundError where a client's packages are not installed; it says which extra brings them."""
        if name not in _MODULES:
            raise AttributeError(f"module 'penstock' has no attribute {name!r}")
        try:
            value = getattr(import_module(_MODULES[name]), name)
        except ModuleNotFoundError as error:
            from penstock.installed import advice

            if advised := advice(error):
                raise ModuleNotFoundError(f"penstock.{name}: {advised}", name=error.name) from error
            raise
        globals()[name] = value
        return value

    def __dir__():
        return __all__
