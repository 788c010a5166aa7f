"""Inventory: one record per physical device."""
