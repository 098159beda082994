"""The tailer's tests, mirroring its modules."""
