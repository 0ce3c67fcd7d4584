"""Honest numbers: what a record of fixed-time contracts says, and how little it may say.

A win rate has no meaning without the payouts it was won at, so here it cannot be made without them. Ratios are floats,
money is `Decimal`; a number that does not exist yet is None, never NaN.
"""
