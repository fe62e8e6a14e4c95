"""Measures the running services from outside: load (ghz), cost (throughput and CPU), quality (precision)."""
