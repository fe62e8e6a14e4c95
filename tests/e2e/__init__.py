"""The whole system, started as a user starts it."""
