"""One application message in one shape for all protocols, so that one learner serves them all.

Both types are named tuples, not frozen dataclasses: one is made per application message, and a named tuple costs a
third of the time.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from hauberk.model.hint import Hint

Role = Literal["request", "response", "event"]
Scalar = str | int | float | bool | None
Value = Scalar | tuple[Scalar, ...]

OK = "ok"
MALFORMED = "malformed"


class Message(NamedTuple):
    """What a dissector says of one application message, without who sent it and when.

    ``protocol``: the name in the design's table. ``operation``: snake_case, the standard's words. ``code``: the number the
    design's table defines for the protocol. ``object``: what it acts on. ``value``: what was written, read or said, never a
    secret. ``status``: ``ok``, ``malformed`` or the protocol's own error in snake_case. ``write``: true for write, control,
    program and stop operations. ``hints``: what it gives away about devices.
    """

    protocol: str
    role: Role
    operation: str
    code: int | None = None
    object: str | None = None
    value: Value = None
    status: str = OK
    write: bool = False
    hints: tuple[Hint, ...] = ()


class Transaction(NamedTuple):
    """A message with who, when and where: the observation the rest of Hauberk works on.

    ``frame``: 1-based number, in its capture, of the frame that completed the message. ``time``: epoch seconds. Addresses are
    text, MAC addresses for protocols without IP, whose ports are None.
    """

    frame: int
    time: float
    protocol: str
    src: str
    src_port: int | None
    dst: str
    dst_port: int | None
    role: Role
    operation: str
    code: int | None
    object: str | None
    value: Value
    status: str
    write: bool
    hints: tuple[Hint, ...] = ()
