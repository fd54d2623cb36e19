"""sequential-processing: draft, evaluate, improve."""
