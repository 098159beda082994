"""The curves of a session at several resolutions, and series drawn from them."""
