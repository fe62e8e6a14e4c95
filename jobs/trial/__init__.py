"""Comparing the variants of an experiment."""
