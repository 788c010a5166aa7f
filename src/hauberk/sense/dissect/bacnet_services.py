"""What the services of BACnet act on and say: object, value and identity of each request and answer.

ASHRAE 135 clauses 13 to 17 (services) and 21 (their encoding). ``object`` is ``type:instance/property`` (``analog_input:1/
present_value``, with ``[n]`` for an array element), several joined by commas. Passwords are never read. Nothing here keeps state.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Scalar, Value
from hauberk.sense.dissect.bacnet_names import COMMUNICATION, ERROR_CLASSES, ERROR_CODES, PROPERTIES, RESTARTS, VENDORS
from hauberk.sense.dissect.bacnet_values import CHARACTERS, OBJECT, Tags, object_name
from hauberk.sense.dissect.limits import Limits

_DEVICE: Final = 8
_HINTS: Final[dict[int, HintKey]] = {
    12: HintKey.FIRMWARE,
    44: HintKey.FIRMWARE,
    70: HintKey.MODEL,
    77: HintKey.HOSTNAME,
    121: HintKey.VENDOR,
    372: HintKey.SERIAL,
}
"""Properties of a device object that identify the device."""


class Body(NamedTuple):
    """What a service says."""

    shown: str | None = None
    value: Value = None
    hints: tuple[Hint, ...] = ()


NOTHING: Final = Body()


@lru_cache(maxsize=4096)
def reference(identifier: int, prop: int, index: int | None) -> str:
    """An object, a property and an array element as text."""
    shown = f"{object_name(identifier)}/{PROPERTIES.get(prop) or f'property{prop}'}"
    return shown if index is None else f"{shown}[{index}]"


def _joined(parts: list[str], limits: Limits) -> str | None:
    return ",".join(parts)[: limits.text] or None


def _flat(values: list[Scalar]) -> Value:
    if not values:
        return None
    return values[0] if len(values) == 1 else tuple(values)


def _told(identifier: int, prop: int, value: Scalar) -> Hint | None:
    """What a property of a device object says of the device."""
    key = _HINTS.get(prop)
    if identifier >> 22 != _DEVICE or key is None or not isinstance(value, str) or not value.strip():
        return None
    return Hint(key, value.strip())


def error_status(tags: Tags) -> str:
    """Class and code of an error as a status: the code where it has a name of its own."""
    numbers: list[int] = []
    while tags.more() and len(numbers) < 2:
        tags.step()
        if not tags.context:
            numbers.append(tags.unsigned())
    if len(numbers) < 2:
        return "error"
    code = ERROR_CODES.get(numbers[1]) or f"error_{numbers[1]}"
    return code if code != "other" else f"{ERROR_CLASSES.get(numbers[0]) or f'class{numbers[0]}'}_other"


def _identifier(tags: Tags, number: int) -> int:
    return tags.context_number(number) or 0


def _property(tags: Tags, limits: Limits) -> Body:
    """Read and write property, their answers, and list changes: object, property, index, value, priority."""
    identifier = _identifier(tags, 0)
    prop, index = tags.context_number(1), tags.context_number(2)
    if prop is None:
        return Body(object_name(identifier))
    values: list[Scalar] = []
    if tags.peek(3, opening=True):
        tags.step()
        tags.enclosed(limits.items, values)
    hint = _told(identifier, prop, values[0]) if values else None
    return Body(reference(identifier, prop, index), _flat(values), (hint,) if hint else ())


def _multiple(tags: Tags, limits: Limits) -> Body:
    """Property lists of several objects, asked for, answered or written; numbers and order of the tags tell them apart."""
    shown: list[str] = []
    values: list[Scalar] = []
    hints: list[Hint] = []
    while tags.more():
        identifier = _identifier(tags, 0)
        tags.step()
        while tags.more() and not tags.closing:
            _one_of_list(tags, identifier, limits, (shown, values, hints))
    return Body(_joined(shown, limits), _flat(values), tuple(hints))


def _one_of_list(tags: Tags, identifier: int, limits: Limits, into: tuple[list[str], list[Scalar], list[Hint]]) -> None:
    """One property of a list: property (0 in requests, 2 in answers), index, then value, error or priority."""
    shown, values, hints = into
    tags.step()
    if tags.closing:
        return
    if tags.opening:
        failed = tags.number == 5
        found: list[Scalar] = []
        tags.enclosed(limits.items - len(values), found)
        tags.closing = False
        if failed and len(found) == 2:
            found = [_error_text(found[1])]
        values.extend(found)
        return
    if tags.number in {0, 2}:
        prop = tags.unsigned()
        index = tags.context_number(1 if tags.number == 0 else 3)
        if len(shown) < limits.items:
            shown.append(reference(identifier, prop, index))
        if prop in _HINTS and identifier >> 22 == _DEVICE and tags.peek(4, opening=True):
            tags.step()
            before = len(values)
            tags.enclosed(before + 1 if before < limits.items else before, values)
            tags.closing = False
            hint = _told(identifier, prop, values[before]) if len(values) > before else None
            if hint:
                hints.append(hint)


def _error_text(code: Scalar) -> str:
    return f"error {ERROR_CODES.get(code) or code}" if isinstance(code, int) else "error"


def _changed(tags: Tags, limits: Limits) -> Body:
    """A change of value: process, device, object, time left, and properties with values (clause 13.1)."""
    tags.context_number(0)
    tags.context_number(1)
    identifier = _identifier(tags, 2)
    tags.context_number(3)
    shown: list[str] = []
    values: list[Scalar] = []
    if tags.peek(4, opening=True):
        tags.step()
        while tags.more():
            prop, index = tags.context_number(0), tags.context_number(1)
            if prop is None:
                break
            shown.append(reference(identifier, prop, index))
            if tags.peek(2, opening=True):
                tags.step()
                tags.enclosed(limits.items, values)
            tags.context_number(3)
    return Body(_joined(shown, limits) or object_name(identifier), _flat(values))


def _second_object(tags: Tags, limits: Limits) -> Body:  # noqa: ARG001 - one shape for all services
    """Subscriptions and acknowledgements: a process, then the object."""
    tags.context_number(0)
    identifier = tags.context_number(1)
    return Body(object_name(identifier)) if identifier is not None else NOTHING


def _event(tags: Tags, limits: Limits) -> Body:  # noqa: ARG001 - one shape for all services
    """An event notification: process, device, object."""
    tags.context_number(0)
    tags.context_number(1)
    identifier = tags.context_number(2)
    return Body(object_name(identifier)) if identifier is not None else NOTHING


def _subscribed_property(tags: Tags, limits: Limits) -> Body:  # noqa: ARG001 - one shape for all services
    tags.context_number(0)
    identifier = _identifier(tags, 1)
    tags.context_number(2)
    tags.context_number(3)
    if tags.peek(4, opening=True):
        tags.step()
        prop = tags.context_number(0)
        if prop is not None:
            return Body(reference(identifier, prop, tags.context_number(1)))
    return Body(object_name(identifier))


def _application(tags: Tags, limits: Limits) -> Body:
    """Application data in a row: an object where one comes first, then values (files, clocks, deleted and created objects)."""
    shown: str | None = None
    values: list[Scalar] = []
    while tags.more() and len(values) < limits.items:
        tags.step()
        if tags.opening or tags.closing or tags.context:
            continue
        value = tags.primitive()
        if tags.number == OBJECT and shown is None and isinstance(value, str):
            shown = value
        else:
            values.append(value)
    return Body(shown, _flat(values))


def _file(tags: Tags, limits: Limits) -> Body:
    """The file of an atomic read or write; its contents are not kept."""
    return Body(_application(tags, limits).shown)


def _created(tags: Tags, limits: Limits) -> Body:
    """Create object: a type, or an identifier (clause 15.3); the answer holds the identifier."""
    if not tags.peek(0, opening=True):
        return _application(tags, limits)
    tags.step()
    kind = tags.context_number(0)
    if kind is not None:
        return Body(object_name(kind << 22).rpartition(":")[0])
    return Body(object_name(_identifier(tags, 1)))


def _communication(tags: Tags, limits: Limits) -> Body:  # noqa: ARG001 - one shape for all services
    tags.context_number(0)
    state = tags.context_number(1)
    return Body(None, COMMUNICATION.get(state, state) if state is not None else None)


def _restart(tags: Tags, limits: Limits) -> Body:  # noqa: ARG001 - one shape for all services
    state = tags.context_number(0)
    return Body(None, RESTARTS.get(state, state) if state is not None else None)


def _private(tags: Tags, limits: Limits) -> Body:  # noqa: ARG001 - one shape for all services
    """A private transfer: vendor and number of the service."""
    vendor, service = tags.context_number(0), tags.context_number(1)
    return Body(f"vendor:{vendor}/{service}") if vendor is not None else NOTHING


def _safety(tags: Tags, limits: Limits) -> Body:  # noqa: ARG001 - one shape for all services
    """Life safety operation: process, source, operation, object (clause 13.13)."""
    tags.context_number(0)
    if tags.peek(1):
        tags.step()
    operation = tags.context_number(2)
    identifier = tags.context_number(3)
    return Body(object_name(identifier) if identifier is not None else None, operation)


def _message(tags: Tags, limits: Limits) -> Body:  # noqa: ARG001 - one shape for all services
    """A text message: device, class, priority, text."""
    identifier = tags.context_number(0)
    if tags.peek(1, opening=True):
        tags.step()
        tags.enclosed(0, [])
    tags.context_number(2)
    words: Scalar = None
    if tags.peek(3):
        tags.step()
        words = tags.primitive(CHARACTERS)
    return Body(object_name(identifier) if identifier is not None else None, words)


def _range(tags: Tags, limits: Limits) -> Body:  # noqa: ARG001 - one shape for all services
    low, high = tags.context_number(0), tags.context_number(1)
    return Body(None, (low, high)) if low is not None and high is not None else NOTHING


def _who_has(tags: Tags, limits: Limits) -> Body:
    limited = _range(tags, limits).value
    identifier = tags.context_number(2)
    if identifier is not None:
        return Body(object_name(identifier), limited)
    if tags.peek(3):
        tags.step()
        return Body(None, tags.primitive(CHARACTERS))
    return Body(None, limited)


def _i_am(tags: Tags, limits: Limits) -> Body:
    """Device, largest message, segmentation, vendor (clause 16.10)."""
    body = _application(tags, limits)
    if isinstance(body.value, tuple) and len(body.value) == 3 and isinstance(body.value[2], int):
        vendor = body.value[2]
        return body._replace(hints=(Hint(HintKey.VENDOR, VENDORS.get(vendor) or f"BACnet vendor {vendor}"),))
    return body


def _i_have(tags: Tags, limits: Limits) -> Body:
    """Device, object, name of the object (clause 16.9)."""
    body = _application(tags, limits)
    if isinstance(body.value, tuple) and len(body.value) == 2 and isinstance(body.value[0], str):
        return Body(body.value[0], (body.shown, body.value[1]))
    return body


_Read = Callable[[Tags, Limits], Body]

CONFIRMED: Final[dict[int, _Read]] = {
    0: _second_object,
    1: _changed,
    2: _event,
    5: _second_object,
    6: _file,
    7: _file,
    8: _property,
    9: _property,
    10: _created,
    11: _application,
    12: _property,
    14: _multiple,
    15: _property,
    16: _multiple,
    17: _communication,
    18: _private,
    19: _message,
    20: _restart,
    26: _property,
    27: _safety,
    28: _subscribed_property,
}
"""What reads the body of a confirmed request."""

ANSWERS: Final[dict[int, _Read]] = {10: _created, 12: _property, 14: _multiple, 26: _property, 18: _private}
"""What reads the body of a complex acknowledgement."""

UNCONFIRMED: Final[dict[int, _Read]] = {
    0: _i_am,
    1: _i_have,
    2: _changed,
    3: _event,
    4: _private,
    5: _message,
    6: _application,
    7: _who_has,
    8: _range,
    9: _application,
}
"""What reads the body of an unconfirmed request."""
