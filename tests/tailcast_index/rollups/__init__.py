"""What is tested here is in `tailcast_index.rollups`."""
