"""Prices, bars, and how a feed and its publisher fare."""
