"""Long work: how it is kept, who does it, what there is."""
