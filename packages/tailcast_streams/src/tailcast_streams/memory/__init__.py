"""The adapters over this process' memory: for tests, and to try things out.

They keep the promises of the ports as the others do.
"""
