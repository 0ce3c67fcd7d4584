"""The page of the running flow: its graph, what each node and edge does, and what a node gives."""
