"""The contract's messages and the domain's values, in both directions."""
