"""The whole tailer in virtual time, and a model that says what must come of it."""
