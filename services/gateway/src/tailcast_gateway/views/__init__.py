"""What one client wants to see: which sessions, which records, and in which view.

Pure. It does not know where a client is, or what is stored.
"""
