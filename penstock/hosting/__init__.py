"""A service as a process: its HTTP server, FastStream's broker, health, metrics and logs."""
