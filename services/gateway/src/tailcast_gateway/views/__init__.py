"""What one client wants of the sessions: which, which records, in what form.

Pure. What never lives here: where a client is, and what is stored.
"""
