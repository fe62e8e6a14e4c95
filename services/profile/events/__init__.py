"""What people did: from what callers send to a window of the latest and a memory of the rest."""
