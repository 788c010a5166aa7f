"""Text from the wire, made safe for a terminal."""

from __future__ import annotations

from hauberk.service.visible import visible

__all__ = ["visible", "visible_lines"]


def visible_lines(text: str) -> str:
    """Like ``visible`` for text of several lines, whose line breaks are ours."""
    return "\n".join(visible(line) for line in text.split("\n"))
