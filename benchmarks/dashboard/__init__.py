"""What the page costs whoever looks at it."""
