"""What one message of a client does, in one step after the broker was asked.

What never lives here: sockets, and who is sent what later.
"""
