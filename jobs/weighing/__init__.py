"""Learning how much each signal of a scene says, from what people chose of what they were shown."""
