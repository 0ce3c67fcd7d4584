"""Alerts: what somebody should hear of now, said once, to where they are."""
