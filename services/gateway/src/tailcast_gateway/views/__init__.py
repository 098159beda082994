"""What one client wants to see: which sessions, which records, in which view.

Pure. What never lives here: where a client is, and what is stored.
"""
