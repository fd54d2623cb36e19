"""From events to one JSON text in document order, append-only."""
