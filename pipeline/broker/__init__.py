"""A practice venue for other programs: one broker on this machine that speaks several protocols.

`core.Broker` is what is so; it knows no network. Faces show it to clients: each is a module with a protocol of its own.
"""
