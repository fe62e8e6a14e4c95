"""The index: a derived, searchable copy of one catalogue in memory. Lost or outdated, it costs time, never data."""
