"""What is kept for good: catalogues of items with a log of what changed, their spaces and aliases."""
