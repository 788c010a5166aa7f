"""Spans made by hand: numbers of each device and window, without packets behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from hauberk.detect.features.frame import CONTACT, Span, Verb
from hauberk.detect.features.metrics import METRICS
from hauberk.model.address import ip_halves
from hauberk.model.ids import DeviceId
from hauberk.model.observation import Columns

MakeSpan = Callable[..., Span]


class Homes:
    """Private addresses are local, and every address is a device."""

    def device(self, address: str) -> DeviceId | None:
        """One device an address."""
        return DeviceId(address)

    def kind(self, address: str) -> str | None:
        """Unknown."""
        return None if address else ""

    def is_local(self, address: str) -> bool:
        """The private network."""
        return address.startswith("10.")

    def is_infrastructure(self, address: str) -> bool:
        """Nobody."""
        return not address


def contact(row: int, window: int, peer: str, port: int = 443, transport: int = 6, **more: float) -> Columns:
    """One contact that the device of ``row`` began at a quarter of the window and that was answered."""
    made = np.zeros(1, CONTACT)
    made["row"], made["outward"], made["answered"], made["begun"] = row, True, True, True
    made["ip_version"], made["port"], made["transport"] = 4, port, transport
    made["peer_hi"], made["peer_lo"] = ip_halves(peer)
    made["start"] = window * 10**10 + 25 * 10**8
    made["packets"], made["bytes_out"], made["bytes_in"], made["conversations"] = 8, 400, 600, 1
    for name, value in more.items():
        made[name] = value
    return made


def make_span(
    ids: Sequence[str],
    device: Sequence[int],
    window: Sequence[int],
    values: NDArray[np.float64] | None = None,
    contacts: Sequence[Columns] = (),
    *,
    taught: bool | Sequence[bool] = False,
    verbs: Sequence[Verb] = (),
) -> Span:
    """Rows of windows of 10 s; addresses are the ids."""
    count = len(device)
    return Span(
        10.0,
        tuple(ids),
        tuple(ids),
        np.array(device, np.int32),
        np.array(window, np.int64),
        np.zeros((count, len(METRICS))) if values is None else values,
        np.zeros((count, 2)),
        np.concatenate(contacts) if contacts else np.zeros(0, CONTACT),
        tuple(verbs),
        np.broadcast_to(np.array(taught, np.bool_), (count,)).copy(),
    )


@pytest.fixture
def span() -> MakeSpan:
    """Makes a span."""
    return make_span


@pytest.fixture
def meet() -> Callable[..., Columns]:
    """Makes a contact."""
    return contact


@pytest.fixture
def homes() -> Homes:
    """A fleet."""
    return Homes()
