"""The demonstration, step by step against small in-process services; the whole of it is in tests/e2e."""
