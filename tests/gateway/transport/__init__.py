"""Our transport under a real uvicorn server."""
