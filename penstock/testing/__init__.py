"""Testing patterns: what their authors use in tests of their own.

    PatternTest                  a pattern alone, without NATS and without a model, and all its replays
    penstock.testing.fixtures    a pytest plugin: the whole system, with simulated answers

PatternTest needs no more than `pip install penstock`. To look at prompts it takes Jinja2 (`penstock[cli]` has it), and
the plugin takes everything: `pip install "penstock[all]"`.
"""

from penstock.testing.pattern_run import AskedStep, PatternRun
from penstock.testing.pattern_test import PatternTest
from penstock.testing.told import PatternTestFailed

__all__ = ["AskedStep", "PatternRun", "PatternTest", "PatternTestFailed"]
