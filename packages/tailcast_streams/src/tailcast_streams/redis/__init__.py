"""The adapters over Redis and Valkey: the only home of the library redis.

What never lives here: what the ports promise, which stands on the ports.
"""
