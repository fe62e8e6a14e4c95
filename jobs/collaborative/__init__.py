"""Factors of what people do together: learned, put as a space of items, and people placed in it."""
