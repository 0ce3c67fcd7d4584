"""The conformance kit: a connector is graded, check by check, against a practice venue in the same process.

A check is a small function with a venue of its own. It drives the connector as a flow does, through its part, and holds
what the connector says against what the venue did.
"""
