"""Snapshots: all that detection knows at a moment, and the file that carries it across runs.

The file is a ZIP archive (deflate, a CRC an entry) that any tool opens: ``baseline.json`` says what it is and holds what was
learned as plain data, ``states/*.json`` the states of detectors, ``states/*.npy`` their arrays (NEP 1, never with Python objects).
Equal snapshots give equal bytes. Reading is bounded in entries and bytes, whatever the archive says of itself.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from hauberk.detect.baseline import Baseline
from hauberk.detect.state.arrays import dump_array, load_array
from hauberk.detect.state.codec import Tree
from hauberk.detect.verdicts import Verdicts
from hauberk.errors import InputError, StateError

FORMAT: Final = "hauberk-baseline"
VERSION: Final = 3
LARGEST_FILE: Final = 256 << 20
"""Bytes of a file."""
_LARGEST_TOTAL = 1 << 30
_LARGEST_ENTRY = 512 << 20
_MOST_ENTRIES = 1 << 12
_DEFLATE_LEVEL = 1
"""A snapshot is taken while packets wait; better compression costs many times more and saves little."""
_HEAD = "baseline.json"
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"[a-z0-9_]{1,80}")
_LEARN_AGAIN = "make a new one: hauberk analyze CAPTURE --learn 100% --save-baseline FILE"


@dataclass(frozen=True, slots=True)
class Part:
    """One state of a snapshot.

    ``parameters``: the limits it worked under. ``taught``: whether it was there while the network was learned. ``seen`` and
    ``watermark``: as those of the snapshot, but of the time when this part was last at work.
    """

    tree: Tree
    parameters: Mapping[str, float] = field(default_factory=dict)
    taught: bool = False
    seen: float | None = None
    watermark: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that detection knows at a moment.

    ``baseline``: what was learned of the fleet. ``detectors``: by id, with those that are off or unknown here. ``trackers``: what
    detectors share, by name. ``product``: version of Hauberk that took it. ``verdicts``: what operators said of findings.
    """

    baseline: Baseline
    detectors: Mapping[str, Part]
    trackers: Mapping[str, Part]
    product: str = ""
    verdicts: Verdicts = field(default_factory=Verdicts)

    def dump(self) -> bytes:
        """The snapshot as a file; the same bytes for the same content."""
        head = {
            "format": FORMAT,
            "version": VERSION,
            "product": self.product,
            "baseline": self.baseline.plain(),
            "verdicts": self.verdicts.plain(),
            "detectors": {name: _about(part) for name, part in sorted(self.detectors.items())},
            "trackers": {name: _about(part) for name, part in sorted(self.trackers.items())},
        }
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            _write(archive, _HEAD, orjson.dumps(head, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            for kind, parts in (("detector", self.detectors), ("tracker", self.trackers)):
                for name, part in sorted(parts.items()):
                    if not _NAME.fullmatch(name):
                        raise StateError(f"'{name}' cannot be the name of a state")
                    _write(archive, f"states/{kind}.{name}.json", orjson.dumps(part.tree.root))
                    for number, array in enumerate(part.tree.arrays):
                        _write(archive, f"states/{kind}.{name}.{number}.npy", dump_array(array))
        return file.getvalue()

    @classmethod
    def load(cls, content: bytes) -> Snapshot:
        """Read what ``dump`` wrote; raises ``InputError`` for anything else."""
        if len(content) > LARGEST_FILE:
            raise InputError(f"the baseline is larger than {LARGEST_FILE} bytes")
        if not content.startswith(b"PK"):
            raise InputError(_foreign(content))
        try:
            entries = dict(_entries(content))
        except (  # each is what zipfile, zlib or NumPy's reader raises for some damage; the cause is told and chained
            *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, MemoryError),
            *(ValueError, KeyError, IndexError, OverflowError, TypeError),
        ) as error:
            raise InputError(f"the baseline is damaged ({error}); take an older copy, or {_LEARN_AGAIN}") from error
        head = _head(entries)
        try:
            return cls(
                Baseline.from_plain(head["baseline"]),
                _parts("detector", head["detectors"], entries),
                _parts("tracker", head["trackers"], entries),
                _expect(str, head["product"]),
                Verdicts.from_plain(head["verdicts"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"the baseline is damaged: {error}") from error


def _about(part: Part) -> dict[str, object]:
    return {
        "parameters": {name: float(value) for name, value in sorted(part.parameters.items())},
        "taught": part.taught,
        "seen": part.seen,
        "watermark": part.watermark,
        "arrays": len(part.tree.arrays),
    }


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EARLIEST)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, whatever writes it (APPNOTE 4.4.2)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, compresslevel=_DEFLATE_LEVEL)


def _entries(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of every entry. What an archive says of sizes is not believed: reading stops at the limits."""
    left = _LARGEST_TOTAL
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if len(entries) > _MOST_ENTRIES:
            raise InputError(f"the baseline has more than {_MOST_ENTRIES} entries")
        if len({entry.filename for entry in entries}) != len(entries):
            raise InputError("the baseline has two entries of one name")
        for entry in entries:
            if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} or entry.flag_bits & 1:
                raise InputError("the baseline is encrypted or packed in an unknown way")
            most = min(_LARGEST_ENTRY, left)
            if entry.file_size > most:
                raise InputError("the baseline unpacks to more than Hauberk reads")
            with archive.open(entry) as file:
                data = file.read(most + 1)
            if len(data) > most:
                raise InputError("the baseline unpacks to more than Hauberk reads")
            left -= len(data)
            yield entry.filename, data


def _head(entries: Mapping[str, bytes]) -> dict[str, Any]:
    content = entries.get(_HEAD)
    head = None if content is None else _parsed(content)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise InputError("the file is not a Hauberk baseline")
    if head.get("version") != VERSION:
        raise InputError(_other_version(head))
    return head


def _other_version(head: Mapping[str, object]) -> str:
    return f"the baseline has version {head.get('version')!r} of the format; this Hauberk reads version {VERSION}; {_LEARN_AGAIN}"


def _foreign(content: bytes) -> str:
    """What is wrong with a file that is no archive: version 1 was bare JSON."""
    try:
        parsed = orjson.loads(content[: 64 << 20])
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(parsed, dict) and parsed.get("format") == FORMAT:
        return _other_version(parsed)
    return "the file is not a Hauberk baseline"


def _parts(kind: str, about: object, entries: Mapping[str, bytes]) -> dict[str, Part]:
    found = {}
    for name, entry in _expect(dict, about).items():
        path = f"states/{kind}.{name}"
        if f"{path}.json" not in entries:
            raise InputError(f"the baseline misses its entry {path}.json; take an older copy, or {_LEARN_AGAIN}")
        count = _expect(int, entry["arrays"])
        if not 0 <= count <= _MOST_ENTRIES:
            raise InputError("the baseline is damaged: a number of arrays is none")
        arrays = [load_array(entries[f"{path}.{number}.npy"]) for number in range(count)]
        parameters = {str(key): float(value) for key, value in _expect(dict, entry["parameters"]).items()}
        times = [None if entry[key] is None else float(entry[key]) for key in ("seen", "watermark")]
        found[name] = Part(Tree(_parsed(entries[f"{path}.json"]), arrays), parameters, _expect(bool, entry["taught"]), *times)
    return found


def _parsed(content: bytes) -> object:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InputError(f"the baseline is damaged: {error}") from error


def _expect(cls: type, value: Any) -> Any:  # noqa: ANN401 - what a file says
    if type(value) is not cls:
        raise InputError(f"the baseline is damaged: {cls.__name__} expected, {type(value).__name__} found")
    return value
