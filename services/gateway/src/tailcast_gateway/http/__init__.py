"""Answers HTTP requests. No other room uses FastAPI.

The messages of WebSocket connections are carried out in `commands`.
"""
