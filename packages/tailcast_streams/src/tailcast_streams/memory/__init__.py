"""The adapters that store everything in this process' memory, for tests and trials.

They keep all promises of the ports, as the other adapters do.
"""
