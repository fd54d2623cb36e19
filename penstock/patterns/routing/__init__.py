"""routing: classify, then answer as that specialist."""

from penstock.patterns.routing.pattern import PATTERN as PATTERN
