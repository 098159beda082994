"""What a client that names itself has provably received, kept in the broker."""
