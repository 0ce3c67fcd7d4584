"""Prices of venues that give them to everybody, or to whoever has a token: history, live quotes, downloads."""
