"""Traces: what all processes did for a job, as spans of OpenTelemetry. Off unless its variables ask for them."""

from penstock.tracing.span import NOTHING, Span, begin, configure, shutdown

__all__ = ["NOTHING", "Span", "begin", "configure", "shutdown"]
