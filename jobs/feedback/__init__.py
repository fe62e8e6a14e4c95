"""What people were shown and what they did with it."""
