"""Telnet options between the words."""

from __future__ import annotations

import pytest

from hauberk.sense.dissect.telnet_stream import TelnetCleaner

STREAM = b"a\xff\xfb\x01b\xff\xfa\x18\x01vt\xff\xff100\xff\xf0c\xff\xf9d\xff\xffe\xff\xfd\x03"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_options_are_taken_out_however_they_are_cut(size: int) -> None:
    """Commands, suboptions, and the doubled byte that means itself."""
    cleaner = TelnetCleaner()
    text = b"".join(cleaner.clean(STREAM[at : at + size]) for at in range(0, len(STREAM), size))
    assert text == b"abcd\xffe"
    assert cleaner.negotiated == 2
