"""What files show and hold: touched in threads, read, proved, turned into entries.

What never lives here: the broker, and what a change of a file means.
"""
