"""What kind of thing an operating-technology request does, read from the words of its operation, object and command value.

The dissectors name operations in the words of their standards, so the words tell: ``plc_stop``, ``cold_restart``,
``program_area_write``, ``request_download``, ``pccc/change_mode``. Kinds and techniques follow ATT&CK for ICS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from hauberk.detect.attack import (
    CHANGE_CREDENTIAL,
    CHANGE_OPERATING_MODE,
    DATA_DESTRUCTION,
    DEVICE_RESTART,
    MODIFY_PARAMETER,
    MODIFY_PROGRAM,
    MODULE_FIRMWARE,
    PROGRAM_DOWNLOAD,
    PROGRAM_UPLOAD,
    REMOTE_SYSTEM_INFORMATION,
    SYSTEM_FIRMWARE,
    UNAUTHORIZED_COMMAND,
)
from hauberk.model.finding import Severity, Technique

_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request: how bad it is where nobody expects it, in a word, and what it suggests."""

    severity: Severity
    word: str
    techniques: tuple[Technique, ...]


STOP = Kind(Severity.CRITICAL, "stops, starts or restarts the device", (CHANGE_OPERATING_MODE, DEVICE_RESTART))
FIRMWARE = Kind(Severity.CRITICAL, "changes firmware", (SYSTEM_FIRMWARE, MODULE_FIRMWARE))
PROGRAM = Kind(Severity.CRITICAL, "changes the program", (PROGRAM_DOWNLOAD, MODIFY_PROGRAM))
ERASE = Kind(Severity.CRITICAL, "erases what the device keeps", (DATA_DESTRUCTION, UNAUTHORIZED_COMMAND))
ACCESS = Kind(Severity.HIGH, "changes who may operate the device", (CHANGE_CREDENTIAL, UNAUTHORIZED_COMMAND))
UPLOAD = Kind(Severity.HIGH, "copies the program or files", (PROGRAM_UPLOAD,))
WRITE = Kind(Severity.HIGH, "changes values", (UNAUTHORIZED_COMMAND, MODIFY_PARAMETER))
STRANGE = Kind(Severity.MEDIUM, "has no public meaning", (UNAUTHORIZED_COMMAND,))
DIAGNOSTIC = Kind(Severity.MEDIUM, "serves diagnosis", (REMOTE_SYSTEM_INFORMATION,))
OTHER = Kind(Severity.MEDIUM, "reads or manages", (REMOTE_SYSTEM_INFORMATION,))

_CHANGING: tuple[tuple[Kind, frozenset[str]], ...] = (
    (ACCESS, frozenset({"password", "protect", "acquire", "reservation", "authentication", "access"})),
    (FIRMWARE, frozenset({"firmware", "flash"})),
    (ERASE, frozenset({"format", "delete", "memory_reset"})),
    (WRITE, frozenset({"forced", "forced_set_reset"})),
    (
        STOP,
        frozenset(
            {
                *("stop", "start", "run", "restart", "reset", "halt", "hold", "mode", "reinitialize", "kill", "shutdown"),
                *("listen", "initialize_application", "device_communication_control", "write_control"),
            }
        ),
    ),
    (PROGRAM, frozenset({"download", "program", "upload", "insert", "garb", "inse", "modu", "nodes", "breakpoint", "domain"})),
)
_READING: tuple[tuple[Kind, frozenset[str]], ...] = (
    (UPLOAD, frozenset({"upload", "program", "download"})),
    (ACCESS, frozenset({"password", "reservation"})),
    (DIAGNOSTIC, frozenset({"diagnostics", "diagnostic", "test", "log"})),
)
_NAMELESS = ("reserved_", "user_defined_", "unknown_", "malformed")
_CARRIERS = frozenset({"pi_service", "execute_pccc"})
"""Operations whose object says what they do."""
_PROGRAM_SERVICE = "P_PROGRAM"
"""The S7 service that starts and stops the program as a whole."""
_FACTORY = ("control/factory_reset", "control/reset_to_factory")
"""What PROFINET DCP sets to make a device forget its name, address and parameters."""


@lru_cache(maxsize=4096)
def kind_of(operation: str, text: str | None, write: bool) -> Kind:  # noqa: FBT001 - the model's own flag, in the order of a message
    """The kind of a request with ``operation`` on ``text`` (see ``objects.target``)."""
    if operation.startswith(_NAMELESS):
        return WRITE if write else STRANGE
    words = {*_WORD.findall(operation), operation}
    if not write:
        return next((kind for kind, names in _READING if words & names), OTHER)
    where = text or ""
    if where.startswith(_PROGRAM_SERVICE) or any(name in where for name in _FACTORY):
        return STOP
    if operation in _CARRIERS or "=" in where:
        words.update(_WORD.findall(where.lower()))
    return next((kind for kind, names in _CHANGING if words & names), WRITE)
