"""A connector for every broker that implements the endpoint contract of docs/connectors.md."""
