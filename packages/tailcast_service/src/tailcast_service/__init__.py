"""What every service needs to run: settings, logs, signals, tasks and exit codes.

Nothing here knows streams, files or clients.
"""
