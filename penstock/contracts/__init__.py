"""What crosses a boundary: requests, results, step inputs and outputs, journal facts, events.

Everything here is a frozen pydantic model; nothing here imports more than pydantic and the
standard library, so any program may depend on it.
"""
