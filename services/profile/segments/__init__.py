"""People who are alike."""
