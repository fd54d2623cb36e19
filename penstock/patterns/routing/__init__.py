"""routing: classify, then answer as that specialist."""
