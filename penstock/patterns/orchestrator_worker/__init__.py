"""orchestrator-worker: plan, execute the tasks as their graph allows, summarize."""

from penstock.patterns.orchestrator_worker.pattern import PATTERN as PATTERN
