"""What happens to files, one row an accident, and one verdict rule for all rows."""
