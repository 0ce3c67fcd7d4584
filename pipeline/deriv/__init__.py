"""Deriv's options API: what is asked and answered, an account's connection to it, and a feed of its prices."""
