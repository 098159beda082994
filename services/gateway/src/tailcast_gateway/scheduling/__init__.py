"""Shares the event loop among clients, by the CPU time that each has used.

It knows nothing of what is computed: that is work, with an account that pays for it.
"""
