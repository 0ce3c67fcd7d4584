"""The control API of an engine: what may be asked of it over loopback, and who answers."""
