"""Streams to indexes: keeps for each session what its records mean.

Never imports the tailer or the gateway; what a record means is in `tailcast_index`.
"""
