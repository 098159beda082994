"""The command line: everything on one machine, one service, or a look inside.

The only package that imports all the others, and that none of them imports.
"""
