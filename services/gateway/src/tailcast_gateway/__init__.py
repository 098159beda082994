"""The gateway reads each session's stream once and serves it to every client.

It never imports the tailer. Code that both services need is in `tailcast_streams`.
"""
