"""The catalogues as this process has them: their indexes, brought forward, saved, and who is let in."""
