"""What devices and addresses are called in a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hauberk.model.device import Device
from hauberk.model.ids import DeviceId
from hauberk.service.report.text import clipped

_LONGEST = 28


def device_label(device: Device) -> str:
    """The shortest thing by which a person knows the device: host name, else address, else id."""
    for names in (device.hostnames, device.ips, device.macs):
        if names:
            return clipped(names[0], _LONGEST)
    return clipped(device.id, _LONGEST)


class Labels:
    """Names of devices by id, each of which means one device: where two are called the same, their ids are added."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self.devices: Mapping[DeviceId, Device] = {device.id: device for device in devices}
        taken: dict[str, int] = {}
        names = {key: device_label(device) for key, device in self.devices.items()}
        for name in names.values():
            taken[name] = taken.get(name, 0) + 1
        self._names = {key: name if taken[name] == 1 else f"{name} ({clipped(key, 40)})" for key, name in names.items()}

    def of(self, device: DeviceId | None, address: str = "") -> str:
        """The name of a device; of an address where no device is known."""
        if device is None:
            return clipped(address, _LONGEST) or "unknown"
        return self._names.get(device) or clipped(device, _LONGEST)
