"""Conversations: recognised by content, then by port, either endpoint's; cut into messages; left alone when hopeless."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hauberk.errors import Malformed
from hauberk.model.transaction import MALFORMED, Message, Transaction
from hauberk.sense.conversation import Conversation, Direction, Rows, recognise
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.reassembly.stream import Piece

LIMITS = Limits(message_bytes=100)


class Toy:
    """Messages of a letter, a length and that many bytes; ``!`` cannot begin one, ``?`` inside is malformed, ``.`` ends."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.finished = False
        self.gaps: list[bool] = []

    def frame_length(self, data: bytes, to_responder: bool) -> int:
        """From the second byte."""
        del to_responder
        if data[:1] == b"!":
            raise Malformed("cannot begin a message")
        return 2 + data[1] if len(data) > 1 else 0

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """One message with the text."""
        if b"?" in pdu:
            raise Malformed("a question")
        self.finished = b"." in pdu
        return [Message("modbus", "request" if to_responder else "response", "say", value=pdu[2:].decode("latin-1"))]

    def gap(self, to_responder: bool) -> None:
        """Noted."""
        self.gaps.append(to_responder)


def _score(data: bytes, to_responder: bool) -> int:
    letter = data[:1]
    if letter == b"T":
        return CERTAIN
    if letter == (b"Q" if to_responder else b"A"):
        return LIKELY
    return POSSIBLE if letter == b"P" else NO


TOY = Dissector("modbus", "tcp", (502,), _score, Toy)
OTHER = replace(TOY, name="dnp3", ports=(20000,), recognise=lambda data, _: CERTAIN if data[:1] == b"O" else NO)
ROWS = Rows((TOY, OTHER))


def _directions(sport: int = 40000, dport: int = 502) -> tuple[Direction, Direction]:
    return Direction(False, "B", dport, "A", sport), Direction(True, "A", sport, "B", dport)


def _conversation(sport: int = 40000, dport: int = 502, *, stream: bool = True, began: bool = True) -> Conversation:
    return Conversation(ROWS, _directions(sport, dport), LIMITS, stream=stream, began=began)


def _say(conversation: Conversation, *pieces: bytes, outward: int = 1, gap: bool = False) -> list[Transaction]:
    out: list[Transaction] = []
    for frame, data in enumerate(pieces, 1):
        conversation.take(Piece(data, frame, frame * 1_000_000_000, gap), outward, out)
    return out


@pytest.mark.parametrize(
    "data, outward, ports, expected",
    [
        (b"T", 1, (40000, 9), ("modbus", True, False)),
        (b"O", 1, (40000, 502), ("dnp3", True, False)),
        (b"P", 1, (40000, 502), ("modbus", True, False)),
        (b"P", 1, (40000, 9), (None, False, False)),
        (b"x", 1, (40000, 502), ("modbus", False, False)),
        (b"x", 0, (40000, 502), ("modbus", False, False)),
        (b"x", 1, (502, 40000), (None, False, False)),
        (b"P", 1, (502, 40000), ("modbus", True, False)),
        (b"A", 1, (502, 40000), ("modbus", True, True)),
        (b"Q", 0, (502, 40000), ("modbus", True, True)),
        (b"Q", 1, (502, 40000), ("modbus", True, False)),
        (b"T", 1, (502, 40000), ("modbus", True, False)),
        (b"O", 1, (502, 40000), ("dnp3", True, False)),
        (b"T", 1, (502, 20000), ("modbus", True, False)),
        (b"x", 1, (502, 20000), ("dnp3", False, False)),
    ],
)
def test_recognition_prefers_content_then_the_responders_port(
    data: bytes, outward: int, ports: tuple[int, int], expected: tuple[str | None, bool, bool]
) -> None:
    """The initiator's port counts where the content does not speak against it, and may turn the conversation round."""
    found = recognise(ROWS, data, _directions(*ports)[outward])
    assert (found.row.name if found.row else None, found.sure, found.turned) == expected


def test_a_conversation_taken_the_wrong_way_round_is_turned() -> None:
    """Its dissector is told who really asks; who sent what stays as it was."""
    (row,) = _say(_conversation(502, 40000), b"A\x02ok")
    assert (row.role, row.src, row.src_port, row.dst_port) == ("response", "A", 502, 40000)


def test_messages_are_cut_whatever_the_pieces() -> None:
    """Two messages byte by byte, all at once, and in between; stamped with the frame that completed them."""
    text = b"T\x03abcQ\x02de"
    for size in (1, 2, 4, 7, 20):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        told = _say(_conversation(), *pieces)
        assert [row.value for row in told] == ["abc", "de"]
        assert [row.frame for row in told] == [4 // size + 1, 8 // size + 1] if size > 1 else [5, 9]


def test_datagrams_are_messages() -> None:
    """Nothing is put together."""
    assert [row.value for row in _say(_conversation(stream=False), b"T\x09ab", b"xycd")] == ["ab", "cd"]


def test_what_is_not_recognised_is_left_alone() -> None:
    """After a few payloads, of which nothing is kept."""
    conversation = _conversation(40000, 9)
    assert _say(conversation, b"x" * 30, b"y" * 30, b"z") == []
    assert not conversation.finished
    _say(conversation, b"w" * 3)
    assert (conversation.finished, conversation.waiting, conversation.service) == (True, [], 0)


def test_a_split_beginning_is_put_together_for_recognition() -> None:
    """The first byte alone says nothing; with the next it is read from its start."""
    rows = Rows((replace(TOY, recognise=lambda data, _: CERTAIN if data[:2] == b"T\x03" else NO),))
    conversation = Conversation(rows, _directions(40000, 9), LIMITS, stream=True, began=True)
    assert [row.value for row in _say(conversation, b"T", b"\x03abc")] == ["abc"]


def test_after_a_gap_reading_goes_on_at_a_message() -> None:
    """Pieces that do not begin one are passed over, and the session is told."""
    conversation = _conversation()
    _say(conversation, b"T\x09half")
    assert _say(conversation, b"rest", gap=True) == []
    assert [row.value for row in _say(conversation, b"more", b"T\x02ok")] == ["ok"]
    assert isinstance(conversation.session, Toy)
    assert conversation.session.gaps == [True]


def test_a_capture_that_begins_inside_a_message_does_not_call_it_malformed() -> None:
    """Known by its port only, and its beginning not seen: wait for a message."""
    assert [row.value for row in _say(_conversation(began=False), b"xyz", b"T\x02ok")] == ["ok"]
    assert [row.value for row in _say(_conversation(began=False), b"x" * 20, b"T\x02ok")] == ["ok"]
    assert _say(_conversation(began=True), b"!y345678")[0].status == MALFORMED


def test_the_other_side_of_a_capture_that_begins_inside_a_message_waits_too() -> None:
    """One side was recognised at the start of a message; what the other sent before may be the end of one."""
    conversation = _conversation(began=False)
    assert [row.value for row in _say(conversation, b"T\x02ok")] == ["ok"]
    assert _say(conversation, b"!end of an answer", outward=0) == []
    assert [row.value for row in _say(conversation, b"T\x02hi", outward=0)] == ["hi"]


def test_tiny_segments_do_not_end_recognition() -> None:
    """A sender that puts one byte in each segment is read like any other, on any port."""
    whole = lambda data, _: CERTAIN if data[:10] == b"T\x08abcdefgh" else NO  # noqa: E731 - a recogniser that wants ten bytes
    conversation = Conversation(Rows((replace(TOY, recognise=whole),)), _directions(40000, 9), LIMITS, stream=True, began=True)
    assert [row.value for row in _say(conversation, *(bytes([byte]) for byte in b"T\x08abcdefgh"))] == ["abcdefgh"]


def test_too_long_and_impossible_messages_are_malformed() -> None:
    """Noted once, then a message start is waited for."""
    told = _say(_conversation(), b"T\x01a!", b"bcd", b"T\xf0aa", b"zz", b"T\x01b")
    assert [(row.value, row.status) for row in told] == [("a", "ok"), (None, MALFORMED), (None, MALFORMED), ("b", "ok")]


def test_what_stays_malformed_is_left_alone() -> None:
    """Sixteen in a row; a good one begins anew."""
    conversation = _conversation()
    told = _say(conversation, *[b"T\x01?"] * 15, b"T\x01a", *[b"T\x01?"] * 20)
    assert conversation.finished
    assert len(told) == 15 + 1 + 16


def test_a_finished_session_ends_the_conversation() -> None:
    """What follows in the same piece is not read."""
    conversation = _conversation()
    assert [row.value for row in _say(conversation, b"T\x01.T\x01a")] == ["."]
    assert conversation.finished


class _Ending(Toy):
    """A session that knows ends, and has nothing more to say."""

    def ended(self, to_responder: bool) -> list[Message]:
        """Nothing was held."""
        del to_responder
        return []


def test_an_end_that_completes_nothing_is_no_malformed_message() -> None:
    """However many conversations end in order, none of them tires the reader."""
    conversation = Conversation(Rows((replace(TOY, start=_Ending),)), _directions(), LIMITS, stream=True, began=True)
    out = _say(conversation, b"T\x02ok")
    for _ in range(100):
        conversation.end(conversation.directions[1], 2, 2, out)
    assert ([row.value for row in out], conversation.malformed, conversation.finished) == (["ok"], 0, False)
