"""The TypeScript client, as it is built, against real processes."""
