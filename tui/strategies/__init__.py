"""The page of the catalogue: every part a flow can be made of."""
