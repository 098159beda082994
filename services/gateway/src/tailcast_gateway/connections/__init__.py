"""One peer: its socket or response, whether it lives, how it is sent away."""
