"""The whole system as processes, from the file to the client."""
