"""Secure shell up to encryption."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.interface import CERTAIN, NO
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits
from hauberk.sense.dissect.ssh import DISSECTORS


def packet(payload: bytes) -> bytes:
    """A binary packet with four bytes of padding."""
    return (len(payload) + 5).to_bytes(4, "big") + b"\x04" + payload + bytes(4)


LISTS = (
    b"curve25519-sha256,ext-info-c",
    b"ssh-ed25519",
    b"aes128-ctr",
    b"aes256-ctr",
    b"hmac-sha2-256",
    b"x",
    b"none",
    b"none",
    b"",
    b"",
)
BANNER_C = b"SSH-2.0-dropbear_2022.83\r\n"
BANNER_S = b"SSH-2.0-OpenSSH_9.6 Debian-1\r\n"
KEXINIT = packet(b"\x14" + bytes(16) + b"".join(len(names).to_bytes(4, "big") + names for names in LISTS) + bytes(5))
NEWKEYS = packet(b"\x15")
INIT = packet(b"\x1e" + bytes(36))

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (BANNER_C + KEXINIT + INIT + NEWKEYS, True),
    (BANNER_S + KEXINIT + packet(b"\x1f" + bytes(90)) + NEWKEYS, False),
    (b"SSH-1.5-old\n", False),
)


def survive(data: bytes, to_responder: bool) -> None:
    """Recognise, cut and read a stream; only Malformed may escape."""
    for row in DISSECTORS:
        assert 0 <= row.recognise(data, to_responder) <= 100
        session = row.start(DEFAULT_LIMITS)
        rest = data
        while rest and not session.finished:
            try:
                length = session.frame_length(rest, to_responder)
                if not 0 < length <= len(rest):
                    break
                messages = session.read(rest[:length], to_responder)
            except Malformed:
                session.gap(to_responder)
                break
            assert all(isinstance(message, Message) for message in messages)
            rest = rest[length:]


class Talk:
    """A conversation as the stream layer delivers it: frames as they become whole."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.session = DISSECTORS[0].start(limits)
        self.waiting = [b"", b""]

    def say(self, data: bytes, to_responder: bool) -> list[Message]:
        """Bytes of one side, and the messages they complete."""
        rest = self.waiting[to_responder] + data
        messages: list[Message] = []
        while rest and not self.session.finished:
            length = self.session.frame_length(rest, to_responder)
            if length == 0 or length > len(rest):
                break
            messages += self.session.read(rest[:length], to_responder)
            rest = rest[length:]
        self.waiting[to_responder] = rest
        return messages

    def ask(self, data: bytes) -> list[Message]:
        """Bytes of the client."""
        return self.say(data, to_responder=True)

    def answer(self, data: bytes) -> list[Message]:
        """Bytes of the server."""
        return self.say(data, to_responder=False)


def test_both_sides_show_their_version() -> None:
    """Software as object, whole line as value and banner; the server has its role."""
    talk = Talk()
    (client,), (server,) = talk.ask(BANNER_C), talk.answer(BANNER_S)
    assert client[:7] == ("ssh", "request", "banner", None, "dropbear_2022.83", "SSH-2.0-dropbear_2022.83", OK)
    assert (server.role, server.object) == ("response", "OpenSSH_9.6")
    assert server.hints == (Hint(HintKey.BANNER, "SSH-2.0-OpenSSH_9.6 Debian-1"), Hint(HintKey.ROLE, "ssh.server"))


def test_lines_before_the_version_are_passed_over() -> None:
    """RFC 4253 section 4.2: only a server may send them."""
    assert [message.operation for message in Talk().answer(b"welcome\r\n" + BANNER_S)] == ["banner"]


def test_the_key_exchange_is_read_while_it_is_clear() -> None:
    """Message numbers and first choices, however the bytes are cut."""
    talk = Talk()
    messages = [message for byte in SAMPLES[0][0] for message in talk.ask(bytes((byte,)))]
    assert [(message.operation, message.code) for message in messages] == [
        ("banner", None),
        ("kexinit", 20),
        ("kexdh_init", 30),
        ("newkeys", 21),
    ]
    assert messages[1].value == ("curve25519-sha256", "ssh-ed25519", "aes128-ctr", "hmac-sha2-256", "none")


def test_what_follows_new_keys_is_not_read() -> None:
    """Encrypted bytes of one side are passed over; after both sides it is finished."""
    talk = Talk()
    talk.ask(SAMPLES[0][0])
    assert talk.ask(KEXINIT) == []
    assert not talk.session.finished
    talk.answer(SAMPLES[1][0])
    assert talk.session.finished


def test_a_cut_kexinit_is_malformed() -> None:
    """Its lists are announced longer than it is."""
    talk = Talk()
    talk.ask(BANNER_C)
    assert talk.ask(packet(b"\x14" + bytes(16) + b"\x00\x00\x00\xff"))[0].status == MALFORMED


@pytest.mark.parametrize("data", [b"\xff" * 8, b"\x00\x00\x00\x05\x05\x14" + bytes(8), packet(b"\x5e" + bytes(8))])
def test_what_cannot_be_a_clear_packet_is_refused(data: bytes) -> None:
    """Sizes, padding, or a message that only occurs encrypted."""
    talk = Talk()
    talk.ask(BANNER_C)
    with pytest.raises(Malformed):
        talk.ask(data)


def test_a_line_without_end_is_refused() -> None:
    """A version line is short."""
    with pytest.raises(Malformed):
        Talk().ask(b"SSH-2.0-" + b"a" * 2000)


def test_after_a_gap_or_an_old_version_nothing_is_read() -> None:
    """Encryption may have begun; version 1 is another protocol."""
    talk, old = Talk(), Talk()
    talk.session.gap(True)
    old.answer(SAMPLES[2][0])
    assert talk.session.finished
    assert old.session.finished


def test_found_by_content() -> None:
    """By its version."""
    recognise = DISSECTORS[0].recognise
    assert recognise(BANNER_C, True) == recognise(BANNER_S, False) == CERTAIN
    assert recognise(b"220 ftp\r\n", False) == recognise(b"", True) == NO
    assert DISSECTORS[0].encrypted


class TestHostileInput:
    """Nothing but Malformed escapes, whatever the bytes."""

    @given(
        st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8), st.integers(0, 2000)
    )
    def test_a_changed_message_is_read_or_malformed(
        self, sample: tuple[bytes, bool], changes: list[tuple[int, int]], cut: int
    ) -> None:
        """Bytes of a valid message are changed and its end is cut off."""
        data = bytearray(sample[0])
        for at, byte in changes:
            data[at % len(data)] = byte
        survive(bytes(data[: len(data) - cut % len(data)]), sample[1])

    @given(st.binary(max_size=300), st.booleans())
    def test_random_bytes_are_read_or_malformed(self, data: bytes, to_responder: bool) -> None:
        """Bytes without any structure."""
        survive(data, to_responder)
