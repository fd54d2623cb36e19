"""The pattern receipt."""

from .pattern import PATTERN

__all__ = ["PATTERN"]
