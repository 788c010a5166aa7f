"""Incidents: findings that belong together, how bad they are, and what may follow."""
