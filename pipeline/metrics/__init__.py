"""What a feed and its publisher say of themselves, as numbers that Prometheus asks for."""
