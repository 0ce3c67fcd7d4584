"""The accounts, and what their trades prove."""
