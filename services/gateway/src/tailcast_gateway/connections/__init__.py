"""One peer: its socket or response, whether it lives, how it is sent away.

What never lives here: what a message asks for.
"""
