"""How a flow fares, and what its feeds and publishers say of themselves, as numbers that Prometheus asks for."""
