"""Parts together: a real broker, a real server, clients of other people."""
