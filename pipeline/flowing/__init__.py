"""What a running flow shows of its graph: its nodes and edges with what they did, and what a node gives."""
