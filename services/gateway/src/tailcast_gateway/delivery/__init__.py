"""Decides which bytes each client gets and when: live, behind, or waiting.

It works in steps of one event loop, without a lock. It never reads the broker itself.
"""
