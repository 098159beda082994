"""The contract: every message as a value, as a schema and as bytes.

Pure. What never lives here: state, clients, what is stored.
"""
