"""What the Makefile calls: dependency locks, generated code, the README's tables. Nothing here is ever installed."""
