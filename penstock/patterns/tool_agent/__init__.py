"""Patterns whose model has tools: `tool_agent` makes one."""

from penstock.patterns.tool_agent.pattern import tool_agent

__all__ = ["tool_agent"]
