"""Where people are among those who like the same."""
