"""Sense: from raw packets and other sensors' logs to observations."""
