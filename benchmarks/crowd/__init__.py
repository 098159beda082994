"""What a directory of many files costs: to begin with, at rest, and when it is gone."""
