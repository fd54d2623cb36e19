"""The pattern clerk."""

from .pattern import PATTERN

__all__ = ["PATTERN"]
