"""The other services in the ranker's words: asked together, remembered, left alone."""
