"""Recommendations judged by what people did later."""
