"""Every key: what it costs, what was decided on it, how it does."""
