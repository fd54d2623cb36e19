"""The pattern exchange."""

from .pattern import PATTERN

__all__ = ["PATTERN"]
