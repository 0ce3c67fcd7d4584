"""How the person likes the console, which keys do what, and what the engine is set to."""
