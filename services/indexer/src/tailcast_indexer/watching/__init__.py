"""Finds out which sessions have moved, by notifications and by comparing."""
