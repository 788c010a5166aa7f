"""Formats: one pure file per outside standard, bytes to model and back."""
