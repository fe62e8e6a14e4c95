"""What batch work takes on a large catalogue with many people, and what is left of it when it is killed."""
