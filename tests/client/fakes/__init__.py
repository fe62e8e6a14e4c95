"""Four services in one process that keep everything in dictionaries: what a caller sees, without what is behind it."""
