"""The ranker: the answer to a photo, a person, or both, out of what the other services know."""
