"""The demonstration: real photos in, recommendations with their reasons out, as any caller would."""
