"""How this program talks to others over a network: what can go wrong, what may be asked how often, who may be asked."""
