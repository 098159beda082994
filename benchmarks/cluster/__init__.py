"""How many nodes that train one of each part carries, and what gives first."""
