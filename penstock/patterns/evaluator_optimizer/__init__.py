"""evaluator-optimizer: translate, evaluate, improve until it is good enough."""

from penstock.patterns.evaluator_optimizer.pattern import PATTERN as PATTERN
