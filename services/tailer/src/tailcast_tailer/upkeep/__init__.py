"""What runs beside the turns: presence, audits, answers to claims, expiry.

What never lives here: what a turn does.
"""
