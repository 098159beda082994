"""What a record costs its session's index, in bulk and in a running job."""
