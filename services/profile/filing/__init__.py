"""Under which names and in which steps all of it is kept."""
