"""What is done about one file, a turn at a time, and whose turn it is.

What never lives here: what the tailer does beside its turns.
"""
