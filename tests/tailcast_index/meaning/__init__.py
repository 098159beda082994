"""What one record means."""
