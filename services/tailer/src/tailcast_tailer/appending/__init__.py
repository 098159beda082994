"""What is appended to the streams, and how much of each stream is kept.

What never lives here: files.
"""
