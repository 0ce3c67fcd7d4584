"""The chart of one key."""
