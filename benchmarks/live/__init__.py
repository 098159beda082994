"""A node as it runs: files that grow, the tailer, the indexer, and the broker."""
