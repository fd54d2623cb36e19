"""sequential-processing: draft, evaluate, improve."""

from penstock.patterns.sequential_processing.pattern import PATTERN as PATTERN
