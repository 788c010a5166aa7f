"""The error tree: what went wrong, whose fault it is, and what the reader can do about it.

    HauberkError
    ├── InputError        their bytes or words are wrong
    │   ├── CaptureError      a capture file or interface cannot be read (further)
    │   ├── Malformed         one message on the wire breaks its protocol; never leaves ``sense``
    │   └── SettingError      a setting or option has no meaning
    ├── TrustError        we refuse
    ├── ActionError       we could not act
    └── StateError        our bug: an invariant of Hauberk does not hold

Every class has a stable ``code`` that scripts may match, and ``diagnostics()``: text for a person that says what to do next.
"""

from __future__ import annotations

from typing import ClassVar


class HauberkError(Exception):
    """Root of every error Hauberk raises on purpose."""

    code: ClassVar[str] = "hauberk.error"
    advice: ClassVar[str] = "Run the command again with --help, or look the code up in docs/reference/errors.md."

    def diagnostics(self) -> str:
        """What happened, followed by what to do next, for a person."""
        return f"{self} [{self.code}]\n{self.advice}"


class InputError(HauberkError):
    """Bytes or words given to Hauberk are wrong."""

    code = "hauberk.input"
    advice = "Correct the input that is named above and run the command again."


class CaptureError(InputError):
    """A capture cannot be read, or not to its end; ``source`` and ``offset`` say where.

    ``offset`` is in bytes from the start of the (decompressed) file, or None for an interface.
    """

    code = "hauberk.input.capture"
    advice = "What was read before this point is kept. Capture again, or repair the file, for instance with 'editcap'."

    def __init__(self, source: str, reason: str, offset: int | None = None) -> None:
        self.source = source
        self.reason = reason
        self.offset = offset
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"{source}: {reason}{where}")

    def diagnostics(self) -> str:
        """What happened and what to do: other words where nothing at all could be read."""
        if self.offset:
            return super().diagnostics()
        return f"{self} [{self.code}]\nNothing could be read. Check the name and that it is a capture or a log Hauberk knows."


class Malformed(InputError):  # noqa: N818 - the field's own word; it names a property of a message, not a failure of ours
    """A message breaks the rules of its protocol."""

    code = "hauberk.input.malformed"
    advice = "The sender is broken, or someone is probing the receiver."


class SettingError(InputError):
    """A setting, option or argument has no meaning."""

    code = "hauberk.input.setting"
    advice = "See 'hauberk COMMAND --help' for what the option takes."


class TrustError(HauberkError):
    """Hauberk refuses because trust is missing."""

    code = "hauberk.trust"
    advice = "Nothing was done. Establish the trust that is named above first."


class ActionError(HauberkError):
    """Hauberk could not carry out what was asked."""

    code = "hauberk.action"
    advice = "Nothing was changed. Remove the cause that is named above and try again."


class StateError(HauberkError):
    """An invariant of Hauberk does not hold: a defect in Hauberk itself."""

    code = "hauberk.state"
    advice = "This is a defect of Hauberk. Please report it with the command and the version."
