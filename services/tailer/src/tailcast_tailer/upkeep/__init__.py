"""What runs beside the turns: presence, audits, claims, expiry, fates of files.

What never lives here: what a turn does.
"""
