"""What is stored, as this replica knows it: reads it and proves what it read.

The only room that reads sessions from the broker. What never lives here: clients.
"""
