"""Arrays of a state: packed without the bytes between columns, pooled by type, so that thousands of small ones make few entries.

Types of columns are numbers, flags, texts, bytes and times of fixed width, never Python objects.
"""

from __future__ import annotations

import ast
import io
import math
import struct
from typing import Any

import numpy as np
from numpy.lib.format import descr_to_dtype, write_array
from numpy.lib.recfunctions import repack_fields
from numpy.typing import NDArray

from hauberk.errors import InputError

_KINDS = frozenset("biufcSUmMV")
_LONGEST_HEADER = 1 << 16
_MOST_DIMENSIONS = 16

Array = NDArray[Any]


def is_plain(dtype: np.dtype[Any]) -> bool:
    """True for types without Python objects, however deep."""
    return dtype.kind in _KINDS and not dtype.hasobject


def packed(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The same columns without bytes between them."""
    if dtype.names is None:
        return dtype
    result: np.dtype[Any] = repack_fields(dtype, align=False, recurse=True)
    return result


def aligned(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The same columns where the machine likes them."""
    result: np.dtype[Any] = repack_fields(dtype, align=True, recurse=True)
    return result


class Pools:
    """Collects arrays by type while a state is encoded."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._parts: list[list[Array]] = []
        self._lengths: list[int] = []

    def add(self, array: Array) -> list[object]:
        """Take ``array`` in; what finds it again."""
        dtype = packed(array.dtype)
        key = str(dtype.descr if dtype.names else dtype.str)
        number = self._numbers.setdefault(key, len(self._parts))
        if number == len(self._parts):
            self._parts.append([])
            self._lengths.append(0)
        by_column = array.flags.f_contiguous and not array.flags.c_contiguous
        flat = np.ravel(array, order="F" if by_column else "C")
        # A copy: the state goes on changing.
        self._parts[number].append(flat.astype(dtype) if dtype != array.dtype else flat.copy())
        offset = self._lengths[number]
        self._lengths[number] += flat.size
        how = ("F" if by_column else "C") + ("a" if array.dtype.isalignedstruct else "")
        return [number, offset, how, *array.shape]

    def arrays(self) -> list[Array]:
        """One array a type."""
        return [_joined(parts) for parts in self._parts]


def _joined(parts: list[Array]) -> Array:
    if len(parts) == 1:
        return parts[0]
    joined: Array = np.empty(sum(len(part) for part in parts), parts[0].dtype)  # np.concatenate would turn foreign byte orders
    np.concatenate(parts, out=joined)
    return joined


def take(pools: list[Array], where: list[Any]) -> Array:
    """The array that ``Pools.add`` put ``where``; raises ``InputError`` where there is none."""
    if len(where) < 3 or not all(type(item) is int and item >= 0 for item in (*where[:2], *where[3:])):
        raise InputError("an array has no place")
    number, offset, how, *shape = where
    size = math.prod(shape)
    if number >= len(pools) or len(shape) > _MOST_DIMENSIONS or how not in {"C", "F", "Ca", "Fa"}:
        raise InputError("an array is not there")
    pool = pools[number]
    if offset + size > len(pool):
        raise InputError("an array is cut off")
    flat = pool[offset : offset + size]
    flat = flat.astype(aligned(flat.dtype)) if how.endswith("a") and flat.dtype.names else flat.copy()
    shaped: Array = flat.reshape(shape, order=how[0])
    return shaped


def dump_array(array: Array) -> bytes:
    """``array`` in NumPy's format (NEP 1)."""
    file = io.BytesIO()
    write_array(file, array, allow_pickle=False)
    return file.getvalue()


def load_array(content: bytes) -> Array:
    """The one-dimensional array that ``dump_array`` wrote; raises ``InputError`` for anything else.

    The length stated in the header is believed only where as many bytes follow.
    """
    try:
        shape, dtype, begins = _header(content)
    except (ValueError, TypeError, KeyError, IndexError, SyntaxError, RecursionError, MemoryError, struct.error) as error:
        raise InputError("an array is damaged") from error
    if not is_plain(dtype) or not dtype.itemsize or len(shape) != 1 or type(shape[0]) is not int:
        raise InputError("an array is of a type that Hauberk does not write")
    if shape[0] * dtype.itemsize != len(content) - begins:
        raise InputError("an array is cut off")
    result: Array = np.frombuffer(content, dtype, offset=begins)
    return result


def _header(content: bytes) -> tuple[tuple[object, ...], np.dtype[Any], int]:
    """Shape and type as the header states them, and where the data begins (NEP 1, versions 1.0 and 2.0)."""
    if content[:6] != b"\x93NUMPY" or content[6:8] not in {b"\x01\x00", b"\x02\x00"}:
        raise ValueError("no array")
    length = "<H" if content[6] == 1 else "<I"
    begins = 8 + struct.calcsize(length)
    ends = begins + struct.unpack_from(length, content, 8)[0]
    if ends > min(len(content), _LONGEST_HEADER):
        raise ValueError("a header that is too long")
    says = ast.literal_eval(content[begins:ends].decode("latin-1").strip())
    if says["fortran_order"] is not False or not isinstance(says["shape"], tuple):
        raise ValueError("a header that Hauberk does not write")
    return says["shape"], descr_to_dtype(says["descr"]), ends
