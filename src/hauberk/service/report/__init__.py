"""The report: one self-contained page about one analysis, to be read offline, printed or sent."""

from __future__ import annotations

from hauberk.service.report.material import Material
from hauberk.service.report.page import report

__all__ = ["Material", "report"]
