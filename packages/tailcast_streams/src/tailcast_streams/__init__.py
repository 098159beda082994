"""The code that tailer and gateway share: positions, records, keys and the broker."""
