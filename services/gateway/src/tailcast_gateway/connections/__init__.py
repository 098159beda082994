"""Serves one client's socket or response, checks that it lives, and sends it away.

What a message asks for is carried out in `commands`.
"""
