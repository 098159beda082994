"""The pure part of these adapters: it turns replies into values. No loop, no I/O."""
