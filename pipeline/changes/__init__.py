"""A flow that is changed while it runs: what an edit of its file means, and applying it whole or not at all."""
