"""The steps of a search, and counts."""
