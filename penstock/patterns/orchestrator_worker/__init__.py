"""orchestrator-worker: plan, execute the tasks as their graph allows, summarize."""
