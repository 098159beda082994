"""Reads the stored sessions from the broker, and proves that what it read is right.

No other room reads sessions from the broker. This room knows no clients.
"""
