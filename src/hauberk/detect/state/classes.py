"""The classes whose objects may stand in a saved state: those of ``hauberk.detect`` and ``hauberk.model`` that are loaded.

Names in a file are looked up here and nowhere else. Nothing is imported on behalf of a file, and no code of a class runs when an
object is made from one: attributes are set, constructors are not called.
"""

from __future__ import annotations

import sys
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cached_property
from types import FunctionType, MemberDescriptorType
from typing import Final

_ROOMS = ("hauberk.detect.", "hauberk.model.")
_PREFIX = "hauberk."
_BUILT_IN: Final = (dict, list, set, frozenset, str, bytes, bytearray, int, float, BaseException)
"""Classes derived from these keep data that attributes do not show."""


def state_classes() -> dict[str, type]:
    """Classes by the name that stands for them in files, as ``detect.episode.Episodes``."""
    found: dict[str, type] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith(_ROOMS):
            for value in list(vars(module).values()):
                if isinstance(value, type) and value.__module__ == name and _can_be_state(value):
                    found[class_name(value)] = value
    return found


def class_name(cls: type) -> str:
    """The name of a class in files."""
    return f"{cls.__module__.removeprefix(_PREFIX)}.{cls.__qualname__}"


def _can_be_state(cls: type) -> bool:
    return issubclass(cls, Enum) or is_named_tuple(cls) or not issubclass(cls, (*_BUILT_IN, tuple))


def is_named_tuple(cls: type) -> bool:
    """True for classes made by ``NamedTuple``."""
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def is_frozen(cls: type) -> bool:
    """True for frozen dataclasses: whether two parts of a state share one makes no difference."""
    return is_dataclass(cls) and bool(cls.__dataclass_params__.frozen)  # type: ignore[attr-defined]  # every dataclass has it


def slot_names(cls: type) -> list[str]:
    """Every slot of a class and those it is derived from, in order."""
    names: list[str] = []
    for base in reversed(cls.__mro__):
        names += [name for name, value in vars(base).items() if isinstance(value, MemberDescriptorType)]
    return names


def attributes(value: object) -> dict[str, object]:
    """What there is to keep of an object, in order; raises ``AttributeError`` for a slot that was never filled.

    A class may say so itself with a method ``saved() -> Mapping[str, object]``: where raw attributes hold slack, or what can be
    computed from others. What it leaves out (the fleet, say) a restored object has from the fresh one in its place.
    """
    cls = type(value)
    says = getattr(cls, "saved", None)
    if says is not None:
        return dict(says(value))
    kept = {name: getattr(value, name) for name in slot_names(cls)}
    plain = getattr(value, "__dict__", {})
    return kept | {name: item for name, item in plain.items() if not isinstance(getattr(cls, name, None), cached_property)}


def leaves_out(cls: type, value: object) -> set[str]:
    """Attributes of ``value`` that its method ``saved`` leaves out."""
    if getattr(cls, "saved", None) is None:
        return set()
    there = {*slot_names(cls), *getattr(value, "__dict__", ())}
    return there - attributes(value).keys()


def required(cls: type) -> set[str]:
    """Attributes without which an object of the class is not whole."""
    if getattr(cls, "saved", None) is not None:
        return set()
    return {entry.name for entry in fields(cls)} if is_dataclass(cls) else set(slot_names(cls))


def may_hold(cls: type, name: str) -> bool:
    """True if ``name`` can be an attribute with data: not a method, nor anything else that the class itself defines."""
    if not name.isidentifier() or name.startswith("__"):
        return False
    defined = getattr(cls, name, None)
    return not isinstance(defined, FunctionType | property | cached_property | classmethod | staticmethod) and not (
        callable(defined) and not is_dataclass(cls)
    )
