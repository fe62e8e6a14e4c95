"""Clients that others wrote, each in a Python environment of its own below var/envs, which `make test` installs."""
