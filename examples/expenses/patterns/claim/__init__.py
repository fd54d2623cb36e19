"""The pattern claim."""

from .pattern import PATTERN

__all__ = ["PATTERN"]
