"""Tests of the room `appending`."""
