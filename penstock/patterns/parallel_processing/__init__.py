"""parallel-processing: three reviews at once, then their synthesis."""

from penstock.patterns.parallel_processing.pattern import PATTERN as PATTERN
