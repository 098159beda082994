"""Streams to clients: reads each stream once and serves every client that watches.

Never imports the tailer; what both need lives in `tailcast_streams`.
"""
