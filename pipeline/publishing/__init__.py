"""Publishing what a flow makes of prices: what goes out when, in which order, and how that fares."""
