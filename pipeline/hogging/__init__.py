"""Strategies that do not come back: each call has its time, is interrupted after it, and who hogs is left alone."""
