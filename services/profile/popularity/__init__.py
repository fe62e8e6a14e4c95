"""What many people like now."""
