"""What crosses a boundary: requests, results, step inputs and outputs, journal facts, events, error codes.

Messages are frozen pydantic models. Nothing here imports more than pydantic and the standard library, so any program
may depend on it.
"""
