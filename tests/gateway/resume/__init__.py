"""Tests of the room `resume`."""
