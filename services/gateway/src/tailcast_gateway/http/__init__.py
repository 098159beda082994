"""What an HTTP request is answered. The home of FastAPI.

What never lives here: what a client may ask over a connection.
"""
