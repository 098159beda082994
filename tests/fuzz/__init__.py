"""A hostile client: whatever it sends, others lose nothing and the gateway lives."""
