"""The pure part of this room: it decides and never acts. No loop, no clock, no I/O."""
