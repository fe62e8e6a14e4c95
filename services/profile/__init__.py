"""The profile service: people, what they do, and the taste that follows from it."""
