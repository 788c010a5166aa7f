"""MUD files learned from captures, and captures judged by them."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

from hauberk.detect.mud import Policy
from hauberk.errors import SettingError
from hauberk.formats.mud import dump, load
from hauberk.model.address import ip_halves, mac_number
from hauberk.model.device import Device
from hauberk.model.flow import ACTIVITY, STATE_FIRST
from hauberk.model.observation import Observations
from hauberk.service.feed import Depth, open_feed
from hauberk.service.mud import Behaviour, Choice, check, choose, conformance_record, learn_file

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "site.pcapng"
INTRUDER = "10.20.0.119"


def watched(*paths: Path) -> Behaviour:
    """What was seen in captures."""
    behaviour = Behaviour()
    behaviour.observe(open_feed([str(path) for path in paths], Depth.MESSAGES).observations())
    return behaviour


@pytest.fixture(scope="module")
def site() -> Behaviour:
    """What was seen in the sample."""
    return watched(SAMPLE)


def own(behaviour: Behaviour) -> list[Device]:
    """Devices that are no infrastructure."""
    return [device for device in behaviour.inventory.devices() if not any(map(behaviour.inventory.is_infrastructure, device.ips))]


def deviations(behaviour: Behaviour, device: Device) -> list[str]:
    """Remotes of what ``device`` did beyond its own learned file, apart from what the file says it left out."""
    learned = learn_file(behaviour, [device])
    found = check(behaviour, device, Policy.of(load(dump(learned.file)).file))
    return [one.peer.remote for one, _ in found.deviations if one not in learned.left_out]


def test_every_device_of_the_sample_keeps_to_its_own_file(site: Behaviour) -> None:
    """Learned and judged on the same traffic nothing deviates; only the intruder's scan was left out of a file."""
    for device in own(site):
        assert not deviations(site, device)
        assert bool(learn_file(site, [device]).left_out) == (INTRUDER in device.ips)


@pytest.mark.needs_data
@pytest.mark.parametrize("name", ["blink-cam-01", "lockly-hub-01", "schlage-lock-01"])
def test_a_week_of_a_device_keeps_to_its_own_file(data: Path, name: str) -> None:
    """Seven days of one device at home: not one deviation, in few entries."""
    behaviour = watched(data / "captures" / "home-7day" / f"{name}.pcap.xz")
    (device,) = own(behaviour)
    learned = learn_file(behaviour, [device])
    assert check(behaviour, device, Policy.of(learned.file)).conforms
    assert 0 < sum(len(item.entries) for item in learned.file.lists) < 40


@pytest.mark.needs_data
@pytest.mark.parametrize("name", ["Aria", "TP-LinkPlugHS110", "EdimaxCam1"])
def test_a_device_being_set_up_keeps_to_its_own_file(data: Path, tmp_path: Path, name: str) -> None:
    """Twenty set-ups of one device, which do not all go alike."""
    with tarfile.open(data / "captures" / "iot-sentinel" / f"{name}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    behaviour = watched(*sorted(path for path in tmp_path.rglob("*") if path.is_file() and "cap" in path.suffix))
    assert own(behaviour)
    for device in own(behaviour):
        assert not deviations(behaviour, device)


@pytest.mark.parametrize(
    "remote,port,back", [("185.199.108.7", 6667, 3), ("185.199.108.7", 6667, 0), ("10.20.0.12", 23, 3)], ids=["far", "vain", "near"]
)
def test_a_new_conversation_deviates(remote: str, port: int, back: int) -> None:
    """Spliced into the same traffic, answered or not, one strange conversation is the only deviation."""
    behaviour = watched(SAMPLE)
    sensor = next(device for device in own(behaviour) if device.kind == "sensor")
    policy = Policy.of(learn_file(behaviour, [sensor]).file)
    row = np.zeros(1, ACTIVITY)
    row["a_hi"], row["a_lo"] = ip_halves(sensor.ips[0])
    row["b_hi"], row["b_lo"] = ip_halves(remote)
    row["a_mac"], row["a_port"], row["b_port"], row["transport"], row["ip_version"] = mac_number(sensor.macs[0]), 50123, port, 6, 4
    row["start"] = row["end"] = round(sensor.last_seen * 1e9)
    row["state"], row["packets_out"], row["syn_out"], row["packets_in"], row["payload_in"] = STATE_FIRST, 3, 1, back, back
    behaviour.observe([Observations(activity=row, watermark=sensor.last_seen + 9)])
    found = check(behaviour, sensor, policy)
    assert [(one.peer.remote, one.peer.port) for one, _ in found.deviations] == [(remote, port)]
    record = conformance_record(found, 0)
    assert record["conforms"] is False


def test_another_kind_of_device_deviates(site: Behaviour) -> None:
    """A file fits its own kind, not any device."""
    devices = {device.kind: device for device in own(site)}
    policy = Policy.of(learn_file(site, [devices["plc"]]).file)
    assert not check(site, devices["camera"], policy).conforms


def test_a_file_of_a_kind_fits_all_of_it(site: Behaviour) -> None:
    """Learned from all devices of a kind, it covers each of them."""
    chosen = choose(site.inventory.devices(), Choice(kind="iot_device"), site.inventory)
    assert len(chosen) > 2
    learned = learn_file(site, chosen, "https://x.example/node.json")
    assert learned.file.url == "https://x.example/node.json"
    assert all(check(site, device, Policy.of(learned.file)).conforms for device in chosen)


def test_devices_are_chosen_by_what_is_said_of_them(site: Behaviour) -> None:
    """By address, card, id or kind; what fits none, or several without a word, is asked back."""
    devices = site.inventory.devices()
    (by_ip,) = choose(devices, Choice(ip="10.20.0.60"), site.inventory)
    assert choose(devices, Choice(mac=by_ip.macs[0].upper().replace(":", "-")), site.inventory) == [by_ip]
    assert choose(devices, Choice(device=by_ip.id), site.inventory) == [by_ip]
    for choice in (Choice(), Choice(ip="10.20.0.60", kind="plc"), Choice(device="nobody")):
        with pytest.raises(SettingError, match="mac-"):
            choose(devices, choice, site.inventory)
