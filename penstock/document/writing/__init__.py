"""From the text a model streams to the pieces of a growing document."""
