"""What a client that names itself has provably received, kept in the broker.

What never lives here: where delivery stands; `places` asks it.
"""
