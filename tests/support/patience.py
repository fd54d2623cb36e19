"""How long a test waits for what should happen at once."""

#: Seconds. Only a test that hangs comes so far, on however busy a machine; pytest's own time-out is longer.
PATIENCE = 150.0
