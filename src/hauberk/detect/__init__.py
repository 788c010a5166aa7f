"""Detect: from observations to findings."""
