"""The flow's file, edited: what is wrong with it as one types, what an edit would do, and having it done."""
