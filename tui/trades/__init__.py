"""Contracts that run, orders, and what became of each."""
