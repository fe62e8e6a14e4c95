"""Factors of what people do together."""
