"""The pattern report."""

from .pattern import PATTERN

__all__ = ["PATTERN"]
