"""What one message of a client does, in one step after the broker was asked."""
