"""What a service needs to run and that has nothing to do with telemetry.

Settings, logs and the way out. Nothing here knows streams, files or clients.
"""
