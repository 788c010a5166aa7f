"""Behaviour features: what each device did in each window, as columns."""
