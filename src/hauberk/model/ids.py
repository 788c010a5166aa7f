"""Identifiers. Each is a distinct type, so that one is never passed for another."""

from __future__ import annotations

from typing import NewType

DeviceId = NewType("DeviceId", str)
DetectorId = NewType("DetectorId", str)
FindingId = NewType("FindingId", str)
IncidentId = NewType("IncidentId", str)
