"""The protocol with clients: every message as a value, as a schema and as bytes.

Pure. It has no state, and knows neither clients nor stored sessions.
"""
