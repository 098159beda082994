"""What it costs to bring one frame to many WebSocket connections, and to have them."""
