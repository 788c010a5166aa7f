"""What keeps a rule from being applied."""

from __future__ import annotations

from hauberk.errors import InputError


class Unsupported(InputError):  # noqa: N818 - it names a property of a rule; never leaves ``detect.sigma``
    """A rule asks for what Hauberk cannot tell; the message says what."""
