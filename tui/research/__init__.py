"""Replays started from the console, how far they are, and what they found."""
