"""Measures the ranker with the three services behind it and Redis: what an answer costs, and how long it takes."""
