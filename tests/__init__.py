"""Tests of visrec, one room per service. `make test` runs them all; nothing is skipped because Redis is missing."""
