"""What wakes a reader of many sessions, and what that costs."""
