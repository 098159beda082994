"""Stream → socket, the whole path: ours, and what people would take in its place."""
