"""A flow and a practice venue as two programs on this machine, and all that can go wrong between them."""
