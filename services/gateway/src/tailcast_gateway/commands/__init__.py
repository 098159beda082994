"""What one message of a client does: ask the broker, then act and answer in one step.

Sockets are not handled here, nor is the delivery of records that follows.
"""
