"""File transfer, control connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.ftp import DISSECTORS
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

GREETING = b"220 PLC FTP server (Version 1.1) ready.\r\n"
FEATURES = b"211-Features:\r\n EPRT\r\n 211 not the end\r\n211 End\r\n"

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (GREETING, False),
    (FEATURES, False),
    (b"USER operator\r\nPASS hunter2\r\nTYPE I\r\nSTOR prog.bin\r\nQUIT\r\n", True),
    (b"331 Password required.\r\n230 Logged in.\r\n", False),
    (b"550 No such file.\r\n", False),
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


def login(answer: bytes) -> list[Message]:
    """Everything said in a log-in that ends with ``answer``."""
    talk = Talk()
    said = talk.answer(GREETING)
    said += talk.ask(b"USER operator\r\n") + talk.answer(b"331 Password required.\r\n")
    return said + talk.ask(b"PASS hunter2\r\n") + talk.answer(answer)


def test_the_greeting_is_the_banner() -> None:
    """It describes the server."""
    (banner,) = Talk().answer(GREETING)
    assert banner[:4] == ("ftp", "response", "banner", 220)
    assert banner.hints == (Hint(HintKey.BANNER, "PLC FTP server (Version 1.1) ready."), Hint(HintKey.ROLE, "ftp.server"))


def test_commands_have_no_code_and_replies_belong_to_them() -> None:
    """The argument is the object of both."""
    talk = Talk()
    (command,) = talk.ask(b"RETR log.txt\r\n")
    assert command[:8] == ("ftp", "request", "retr", None, "log.txt", None, OK, False)
    first, last = talk.answer(b"150 Opening.\r\n226 Done.\r\n")
    assert (first.operation, first.code, first.object) == ("retr", 150, "log.txt")
    assert (last.operation, last.code, last.value) == ("retr", 226, "Done.")


def test_a_log_in_that_works() -> None:
    """The reply to the password decides; the password appears nowhere."""
    said = login(b"230 Logged in.\r\n")
    assert [message.operation for message in said] == ["banner", "user", "user", "pass", "login"]
    assert (said[-1].object, said[-1].code, said[-1].status) == ("operator", 230, OK)
    assert "hunter2" not in repr(said)


def test_a_log_in_that_fails() -> None:
    """The status says so, whatever the server's words."""
    failed = login(b"530 Sorry.\r\n")[-1]
    assert (failed.operation, failed.object, failed.code, failed.status) == ("login", "operator", 530, "login_failed")


def test_a_log_in_without_password() -> None:
    """Some servers need none."""
    talk = Talk()
    talk.ask(b"USER anonymous\r\n")
    assert talk.answer(b"230 Welcome.\r\n")[0][2:5] == ("login", 230, "anonymous")


@pytest.mark.parametrize("command", ["STOR a", "APPE a", "DELE a", "RMD d", "MKD d", "RNFR a", "RNTO b", "SITE CHMOD 777 a"])
def test_changing_commands_write(command: str) -> None:
    """On the command and on its reply."""
    talk = Talk()
    assert talk.ask(command.encode() + b"\r\n")[0].write
    assert talk.answer(b"250 Done.\r\n")[0].write


def test_a_reply_of_several_lines_is_one() -> None:
    """It ends with the line that repeats its code and a space, at the start of the line."""
    talk = Talk()
    talk.ask(b"FEAT\r\n")
    messages = [message for byte in FEATURES for message in talk.answer(bytes((byte,)))]
    assert [(message.code, message.value) for message in messages] == [(211, "Features:")]


def test_errors_are_named() -> None:
    """RFC 959 section 4.2, and the number of others."""
    talk = Talk()
    talk.ask(b"RETR x\r\nRETR y\r\n")
    assert [message.status for message in talk.answer(b"550 No.\r\n599 No.\r\n")] == ["file_unavailable", "reply_599"]


def test_after_a_change_to_tls_nothing_is_read() -> None:
    """RFC 4217."""
    talk = Talk()
    talk.ask(b"AUTH TLS\r\n")
    talk.answer(b"234 Go.\r\n")
    assert talk.session.finished


def test_a_gap_breaks_the_pairs() -> None:
    """A reply then belongs to no command."""
    talk = Talk()
    talk.ask(b"RETR x\r\n")
    talk.session.gap(True)
    assert talk.answer(b"226 Done.\r\n")[0].operation == "response"


def test_lines_that_are_neither_are_malformed() -> None:
    """The line is known, its meaning is not."""
    assert Talk().ask(b"\x01\x02\r\n")[0].status == MALFORMED
    assert Talk().ask(b"XYZZ a\r\n")[0].status == MALFORMED


@pytest.mark.parametrize("data, to_responder", [(b"A" * 5000, True), (b"211-x\r\n" + b" y\r\n" * 20000, False)])
def test_lines_and_replies_are_bounded(data: bytes, to_responder: bool) -> None:
    """What has no end is not waited for."""
    with pytest.raises(Malformed):
        Talk().say(data, to_responder)


def test_found_by_content() -> None:
    """Greetings that say so and commands of its own; shared words only on the port."""
    recognise = DISSECTORS[0].recognise
    assert recognise(GREETING, False) == CERTAIN
    assert recognise(b"EPSV\r\n", True) == LIKELY
    assert recognise(b"USER a\r\n", True) == POSSIBLE
    assert recognise(b"220 mail.example ESMTP\r\n", False) == POSSIBLE
    assert recognise(b"GET / HTTP/1.1\r\n", True) == recognise(b"HELO a\r\n", True) == recognise(bytes(9), True) == NO


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
