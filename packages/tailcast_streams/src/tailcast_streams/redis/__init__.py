"""The adapters over Redis and Valkey. No other package uses the library redis.

The promises of each call are written at the ports.
"""
