"""Text from the wire, made safe to show.

A host name or a banner may hold escape sequences that move the cursor, rename the window or hide lines, and characters that turn
the direction of writing. Nothing of that may ever reach a terminal or a page as itself: it is shown as an escape a person can read.
"""

from __future__ import annotations


def visible(text: str) -> str:
    """``text`` with every character that does not print as itself escaped as in a Python string; printable text comes back as
    it is."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii") for character in text
    )
