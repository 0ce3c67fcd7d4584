"""What is at stake now, at a glance."""
