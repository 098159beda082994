"""What is stored, as this replica knows it: reads it and proves what it read.

What never lives here: clients.
"""
