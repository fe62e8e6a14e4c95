"""Named weights and rules: what counts how much, where, and what the business wants."""
