"""What tailer and gateway share: entry IDs, records, keys, the broker's port.

Nothing here knows files, sockets or clients.
"""
