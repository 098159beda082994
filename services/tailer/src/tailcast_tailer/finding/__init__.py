"""Which files there are to follow. The home of watchfiles.

What never lives here: what is in a file.
"""
