"""How the system could be broken, one scenario each, with time in our hands."""
