"""Who gets which bytes when: clients that are live, that are behind, that wait.

Steps of one event loop, without a lock. What never lives here: reading the broker.
"""
