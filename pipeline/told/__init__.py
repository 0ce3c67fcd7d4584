"""What the control API is asked and tells, as types and nothing else: an engine and its console both read them here."""
