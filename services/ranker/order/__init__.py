"""From candidates to a ranking: exact sums, curves, ranks instead of values, diversity and bounds."""
