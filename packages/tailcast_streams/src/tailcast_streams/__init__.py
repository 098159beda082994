"""What the tailer and the gateway share: positions, records, keys and the broker."""
