"""From what was asked to candidates, of each of which all is known that counts."""
