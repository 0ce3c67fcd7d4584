"""How a flow fares, as numbers: money, latencies, edges, errors, the process. Computed when somebody asks."""
