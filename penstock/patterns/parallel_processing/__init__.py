"""parallel-processing: three reviews at once, then their synthesis."""
