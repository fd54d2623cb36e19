"""Penstock: LLM agent patterns as independent services over NATS JetStream, streamed from the first token."""

from importlib.metadata import version

__version__ = version("penstock")
