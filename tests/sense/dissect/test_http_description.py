"""UPnP device descriptions."""

from __future__ import annotations

from hauberk.model.hint import Hint, HintKey
from hauberk.sense.dissect.http_description import description_hints
from hauberk.sense.dissect.limits import DEFAULT_LIMITS

HEAD = b'<root xmlns="urn:schemas-upnp-org:device-1-0"><device>'


def test_the_root_device_describes_the_sender() -> None:
    """The first of each element; entities are resolved."""
    body = HEAD + b"<manufacturer>A &amp; B</manufacturer><modelName> M1 </modelName><device><modelName>inner</modelName></device>"
    assert description_hints(body, DEFAULT_LIMITS) == (Hint(HintKey.VENDOR, "A & B"), Hint(HintKey.MODEL, "M1"))


def test_an_escaped_entity_stays_text() -> None:
    """Each entity is resolved once."""
    assert description_hints(HEAD + b"<modelName>&amp;lt;</modelName>", DEFAULT_LIMITS) == (Hint(HintKey.MODEL, "&lt;"),)


def test_other_documents_describe_nothing() -> None:
    """Without the namespace the words mean something else."""
    assert description_hints(b"<car><modelName>T</modelName></car>", DEFAULT_LIMITS) == ()
