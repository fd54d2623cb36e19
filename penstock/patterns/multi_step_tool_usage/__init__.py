"""multi-step-tool-usage: think with tools, then conclude."""
