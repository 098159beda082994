"""Tests of the indexer, from the least part of it to the whole."""
