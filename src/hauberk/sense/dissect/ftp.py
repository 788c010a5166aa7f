"""File transfer protocol, control connection (RFC 959, RFC 2228, RFC 2428; TCP port 21).

A command has ``code`` None and its name in lower case as ``operation``; a reply has its number as ``code`` and the operation of
the command it answers (``banner`` for the greeting, ``response`` where the command was not seen). ``object`` is the argument, as
a path, copied onto the reply. ``value`` of a reply is its first line. ``status`` of a reply from 400 on names the error.

The reply that decides a log-in has operation ``login``, the user as ``object`` and status ``ok`` or ``login_failed``: the
credentials went in the clear. Must never keep the argument of PASS or ACCT.
"""

from __future__ import annotations

import re
from collections import deque

from hauberk.errors import Malformed
from hauberk.formats.protocol_words import FTP_ERRORS
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

_COMMAND = re.compile(rb"([A-Za-z]{3,4})(?: ([^\r\n]*))?\r?\n")
_REPLY = re.compile(rb"([1-6][0-9][0-9])([ -])([^\r\n]*)\r?\n")
_WRITES = frozenset({"stor", "stou", "appe", "dele", "rmd", "mkd", "xrmd", "xmkd", "rnfr", "rnto", "site"})
_SECRETS = frozenset({"pass", "acct", "adat"})
_KNOWN = frozenset(
    b"USER PASS ACCT CWD CDUP SMNT QUIT REIN PORT PASV TYPE STRU MODE RETR STOR STOU APPE ALLO REST RNFR RNTO ABOR DELE RMD MKD "
    b"PWD LIST NLST SITE SYST STAT HELP NOOP FEAT OPTS AUTH ADAT PROT PBSZ CCC MIC CONF ENC EPRT EPSV LANG MDTM MLSD MLST SIZE "
    b"HOST XCUP XMKD XPWD XRMD CLNT MFMT".split()
)
_OWN = frozenset(b"PASV EPSV EPRT FEAT SYST TYPE CWD PWD CDUP RETR STOR NLST MLSD".split())
"""Commands that no other line protocol has."""
_ERRORS = FTP_ERRORS
"""RFC 959 section 4.2, RFC 2228 section 5."""
_LONGEST_LINE = 4096
_LONGEST_REPLY = 1 << 16
"""Longest reply of several lines that is waited for, in bytes."""
_LOGGED_IN, _ACCEPTED_TLS = 230, 234


class _Session:
    """The user who is logging in and the commands not yet answered."""

    __slots__ = ("_finished", "_greeted", "_pending", "_user", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._pending: deque[tuple[str, str | None]] = deque(maxlen=limits.pending)
        self._user: str | None = None
        self._greeted = False
        self._finished = False

    @property
    def finished(self) -> bool:
        """True after a change to TLS (RFC 4217)."""
        return self._finished

    def gap(self, to_responder: bool) -> None:  # noqa: ARG002 - a loss on either side breaks the pairs
        """Commands and replies no longer pair."""
        self._pending.clear()
        self._greeted = True

    def frame_length(self, data: bytes, to_responder: bool) -> int:
        """One command line, or a reply with all its lines (RFC 959 section 4.2)."""
        end = data.find(b"\n", 0, _LONGEST_LINE) + 1
        if not end:
            if len(data) >= _LONGEST_LINE:
                raise Malformed("line without end")
            return 0
        if to_responder or data[3:4] != b"-" or _REPLY.match(data) is None:
            return end
        closing = b"\n" + data[:3] + b" "
        last = data.find(closing, end - 1, _LONGEST_REPLY)
        if last < 0:
            if len(data) >= _LONGEST_REPLY:
                raise Malformed("reply without last line")
            return 0
        return data.find(b"\n", last + 1, last + _LONGEST_LINE) + 1

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The command or reply in its lines."""
        reply = _REPLY.match(pdu)
        if reply is not None:
            return [self._reply(int(reply[1]), reply[3])]
        command = _COMMAND.match(pdu.lstrip(b"\xff\xf4\xf2"))
        if command is not None:
            return [self._command(command[1], command[2])]
        if not pdu.strip():
            return []
        return [Message("ftp", "request" if to_responder else "response", "malformed", status=MALFORMED)]

    def _command(self, name: bytes, argument: bytes | None) -> Message:
        operation = name.decode("ascii").lower()
        what = None if argument is None or operation in _SECRETS else text(argument.strip(), self.limits.text) or None
        if operation == "user":
            self._user = what
        self._pending.append((operation, what))
        status = OK if name.upper() in _KNOWN else MALFORMED
        return Message("ftp", "request", operation, None, what, None, status, operation in _WRITES)

    def _reply(self, code: int, words: bytes) -> Message:
        said = text(words, self.limits.text)
        hints: tuple[Hint, ...] = ()
        operation, what = "response", None
        if code < 200:
            if self._pending:
                operation, what = self._pending[0]
        elif self._pending:
            operation, what = self._pending.popleft()
        elif not self._greeted:
            operation = "banner"
            hints = (Hint(HintKey.BANNER, said), Hint(HintKey.ROLE, "ftp.server"))
        if code >= 200:
            self._greeted = True
        status = OK if code < 400 else _ERRORS.get(code) or f"reply_{code}"
        write = operation in _WRITES
        if (operation in {"pass", "acct"} and (code >= 400 or code in {202, _LOGGED_IN, 232})) or (
            operation == "user" and code == _LOGGED_IN
        ):
            operation, what = "login", self._user
            status = OK if code < 400 else "login_failed"
        if code == _ACCEPTED_TLS and operation == "auth":
            self._finished = True
        return Message("ftp", "response", operation, code, what, said or None, status, write, hints)


def _recognise(data: bytes, to_responder: bool) -> int:
    """A greeting that names FTP, or a command that no other line protocol has; mail servers greet alike."""
    reply = _REPLY.match(data)
    if reply is not None:
        if reply[1] == b"220" and b"FTP" in data[:512].upper() and b"SMTP" not in data[:512].upper():
            return CERTAIN
        return POSSIBLE
    command = _COMMAND.match(data)
    if command is None:
        return NO
    name = command[1].upper()
    if name in _OWN and data.endswith(b"\r\n"):
        return LIKELY if to_responder else POSSIBLE
    return POSSIBLE if name in _KNOWN else NO


DISSECTORS: tuple[Dissector, ...] = (Dissector("ftp", "tcp", (21,), _recognise, _Session),)
