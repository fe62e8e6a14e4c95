"""Heads that are learned: what they are fitted to, how they are judged, and how one is put into place."""
