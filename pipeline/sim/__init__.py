"""Simulation: the same parts and the same flow on virtual time, under faults that a seed draws.

The market and the venues live outside the engine, whose lives come and go. What must hold whatever happens is watched
by a witness that knows the truth. See docs/sim.md.
"""
