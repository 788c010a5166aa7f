"""Clues to what a device is: one module for each type of evidence, found by the registry."""
