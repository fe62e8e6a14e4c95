"""From what callers want written to the record, seen by the embedder on the way."""
