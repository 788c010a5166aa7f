"""Telnet (RFC 854; TCP ports 23 and 2323): who logs in, whether it works, and what is typed.

``banner`` (response) for the first text of the server, in ``value``. ``login`` (response) for each decided log-in, whose
credentials went in the clear: ``object`` is the user's name, ``status`` ``ok`` or ``login_failed``. ``command`` (request) for
each line typed at a shell, in ``object``; a shell offered without log-in counts. ``code`` is None. The protocol has no messages,
so prompts are told by their words. What is typed while the last words were a prompt for a password, in any language known here,
is not looked at: it must never be kept.
"""

from __future__ import annotations

import re

from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import OK, Message
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text
from hauberk.sense.dissect.telnet_stream import NEGOTIATION, TelnetCleaner

_USER_PROMPT = re.compile(
    r"(?:log ?in|user ?name|user(?: id)?|account|benutzer(?:name)?|usuario|utilisateur|identifiant)[^\n:>]{0,40}[:>]\s*$",
    re.IGNORECASE,
)
_PASSWORD_PROMPT = re.compile(
    r"(?:passw|pass ?phrase|pass ?code|\bpin\b|secret|kennwort|contrase|mot de passe|senha|parol|wachtwoord|salasana)"
    r"[^\n]{0,60}[:?>]\s*$",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"incorrect|fail(?:ed|ure)|invalid|denied|wrong|bad (?:user|pass)|refused|not authori[sz]ed", re.IGNORECASE)
_HISTORY = re.compile(r"[^\n]*(?:last (?:failed|unsuccessful)|since the last)[^\n]*", re.IGNORECASE)
"""What a host tells of earlier attempts once it let somebody in."""
_SHELL_PROMPT = re.compile(r"(?:^|\n)[^\n]{0,80}[#$%>~]\s*$")
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][0-9A-B])")
_TAIL = 512
"""Characters of the server's last words that are remembered."""
_LONGEST_LINE = 512
"""Characters of a typed line that are remembered."""

_IDLE, _USER, _PASSWORD, _OUTCOME, _SHELL = range(5)
"""Nothing asked; a name is asked for; a password is asked for; the server decides; a shell listens."""


class _Session:
    """Where the dialogue is.

    ``_tail`` is what the server said since the last typed line; ``_prompted`` whether the line was begun at a shell's prompt: an
    answer to another question may be a secret.
    """

    __slots__ = ("_banner", "_cleaners", "_inside", "_line", "_prompted", "_state", "_tail", "_user", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._cleaners = (TelnetCleaner(), TelnetCleaner())
        self._state = _IDLE
        self._tail = ""
        self._line: list[str] = []
        self._user: str | None = None
        self._inside = False
        self._prompted = False
        self._banner = False

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def gap(self, to_responder: bool) -> None:  # noqa: ARG002 - a loss on either side leaves the dialogue unknown
        """The dialogue cannot be followed over a loss: begin at the next prompt."""
        self._state = _IDLE
        self._tail = ""
        self._user = None
        self._line.clear()

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """Whatever is there: the protocol has no messages."""
        return len(data)

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """What these bytes decide."""
        words = self._cleaners[to_responder].clean(pdu).decode("utf-8", "replace")
        if not words:
            return []
        return self._typed(words) if to_responder else self._said(words)

    def _said(self, words: str) -> list[Message]:
        """Words of the server."""
        tail = self._tail = _ESCAPES.sub("", (self._tail + words)[-_TAIL:]).replace("\r", "").replace("\x00", "")
        messages: list[Message] = []
        if not self._banner and tail.strip():
            self._banner = True
            shown = text(tail.strip().encode(), self.limits.text)
            hints = (Hint(HintKey.BANNER, shown), Hint(HintKey.ROLE, "telnet.server"))
            messages.append(Message("telnet", "response", "banner", None, None, shown, OK, False, hints))
        asks_password = _PASSWORD_PROMPT.search(tail) is not None
        asks_user = not asks_password and _USER_PROMPT.search(tail) is not None
        shell = not asks_password and not asks_user and _SHELL_PROMPT.search(tail) is not None
        if self._state == _OUTCOME and (asks_password or asks_user or _REFUSED.search(_HISTORY.sub("", tail))):
            messages += self._login("login_failed")
            self._state = _IDLE
        elif shell and (self._state == _OUTCOME or (self._state == _PASSWORD and self._user is not None)):
            messages += self._login(OK)
        if asks_password:
            self._state = _PASSWORD
        elif asks_user:
            self._state = _USER
            self._inside = False
        elif shell and self._state != _USER:
            self._state = _SHELL
            self._inside = True
        return messages

    def _login(self, status: str) -> list[Message]:
        """A decided log-in; passwords asked for by programs inside a shell are none."""
        if self._inside:
            return []
        return [Message("telnet", "response", "login", None, self._user, None, status)]

    def _typed(self, words: str) -> list[Message]:
        """Keys of the client, one at a time or whole lines."""
        messages: list[Message] = []
        for character in words:
            if character in "\r\n\x00":
                if self._line or character == "\r":
                    messages += self._entered()
            elif character in "\x7f\x08":
                del self._line[-1:]
            elif character in "\x03\x15":
                self._line.clear()
            elif len(self._line) < _LONGEST_LINE:
                if not self._line:
                    self._prompted = not self._tail or _SHELL_PROMPT.search(self._tail) is not None
                self._line.append(character)
            if len(messages) >= self.limits.messages:
                break
        return messages

    def _entered(self) -> list[Message]:
        """A line was typed: what it is depends on what was asked."""
        line = text("".join(self._line).strip().encode("utf-8", "replace"), self.limits.text)
        self._line.clear()
        state = self._state
        self._tail = ""
        if state == _USER:
            self._user = line or None
            # Clients that do not wait for the prompt send the password as their next line.
            self._state = _PASSWORD
        elif state == _PASSWORD:
            self._state = _OUTCOME
        elif state == _SHELL and self._prompted and line:
            return [Message("telnet", "request", "command", None, line)]
        return []


def _recognise(data: bytes, to_responder: bool) -> int:
    """Connections begin with the negotiation of options, or with a prompt."""
    negotiated = NEGOTIATION.match(data)
    if negotiated is not None:
        return CERTAIN if negotiated.end() >= 6 else LIKELY
    if data[:1] in {b"\xff", b""}:
        return POSSIBLE if data[1:2] >= b"\xf0" else NO
    plain = data[:256].decode("utf-8", "replace")
    if not to_responder and (_USER_PROMPT.search(plain) or _PASSWORD_PROMPT.search(plain)):
        return POSSIBLE
    return POSSIBLE if all(character.isprintable() or character in "\r\n\t\x00\x1b\x07\x08\x7f\x03" for character in plain) else NO


DISSECTORS: tuple[Dissector, ...] = (Dissector("telnet", "tcp", (23, 2323), _recognise, _Session),)
