"""Reads sessions that have moved, folds their entries, and writes their indexes."""
