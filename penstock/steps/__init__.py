"""Executing steps: from a message of STEPS to its outcome in the journal, streaming what is made meanwhile."""
