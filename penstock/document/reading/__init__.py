"""From events to the document they have built so far."""
