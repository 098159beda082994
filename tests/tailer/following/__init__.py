"""Tests of the room `following`."""
