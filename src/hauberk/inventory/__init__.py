"""Inventory: one record per physical device."""

from hauberk.inventory.inventory import Inventory
from hauberk.inventory.limits import InventoryLimits

__all__ = ["Inventory", "InventoryLimits"]
