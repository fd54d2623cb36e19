"""The pattern example-pattern."""

from .pattern import PATTERN

__all__ = ["PATTERN"]
