"""What one client wants of the sessions: which of them, which records, in what form.

Pure. What never lives here: where a client is, what is stored.
"""
