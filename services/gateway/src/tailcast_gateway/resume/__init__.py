"""Finds out what each named client has received, and stores that in the broker.

The places of delivery are kept in the room `delivery`; `places` reads them there.
"""
