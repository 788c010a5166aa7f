"""Ports on which services wait: they tell the responder of a conversation whose beginning was not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SERVICE_PORTS: frozenset[int] = frozenset(
    {
        *(102, 502, 1089, 1090, 1091, 1962, 2222, 2404, 4000, 4712, 4713, 4840, 4843, 5006, 5007, 5094, 9600, 18245, 18246, 19998),
        *(19999, 20000, 20547, 34962, 34963, 34964, 34980, 44818, 47808, 48898, 48899, 55000, 55001, 55002, 55003, 57176),
        *(1433, 1521, 1723, 1812, 1813, 1883, 1900, 2049, 2323, 3128, 3268, 3306, 3389, 3478, 3702, 4222, 4500, 4786, 5000, 5060),
        *(5061, 5222, 5223, 5228, 5353, 5355, 5357, 5432, 5540, 5555, 5671, 5672, 5683, 5684, 5900, 5985, 5986, 6379, 6443, 6667),
        *(
            7547,
            8000,
            8008,
            8009,
            8080,
            8081,
            8086,
            8088,
            8443,
            8554,
            8883,
            8888,
            9000,
            9092,
            9100,
            9200,
            9999,
            10000,
            11211,
            27017,
        ),
        *(2221, 9443, 37215, 49152, 49153, 52869, 55443),
    }
)
"""Registered and customary ports above 1023 of operating technology, the Internet of Things and common servers."""

_WELL_KNOWN, _SYSTEM = 2, 1


def port_rank() -> NDArray[np.uint8]:
    """How much each of the 65,536 ports looks like a service: 2 for a customary one, 1 for any below 1024, else 0."""
    rank = np.zeros(1 << 16, np.uint8)
    rank[1:1024] = _SYSTEM
    rank[[20, 21, 22, 23, 25, 53, 67, 80, 110, 123, 137, 138, 139, 143, 161, 162, 389, 443, 445, 514, 547, 554, 631, 853, 993]] = (
        _WELL_KNOWN
    )
    rank[list(SERVICE_PORTS)] = _WELL_KNOWN
    return rank
