"""The contract and what implements it."""
