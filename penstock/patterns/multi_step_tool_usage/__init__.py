"""multi-step-tool-usage: think with tools, then conclude."""

from penstock.patterns.multi_step_tool_usage.pattern import PATTERN as PATTERN
