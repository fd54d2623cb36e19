"""Who asks: keys, and what a caller may do."""
