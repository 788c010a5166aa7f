"""Telnet dialogues."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import OK, Message
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits
from hauberk.sense.dissect.telnet import DISSECTORS

OPTIONS = b"\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03"
PROMPT = b"\r\ngateway login: "

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (OPTIONS + PROMPT, False),
    (b"root\r\n", True),
    (b"Password: ", False),
    (b"\r\nLogin incorrect\r\nlogin: ", False),
    (b"\r\n\x1b[1mBusyBox v1.31\x1b[0m\r\n~ # ", False),
    (b"cat /proc/cpuinfo\r\x00", True),
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


def seen(*dialogue: bytes) -> list[Message]:
    """Messages of a dialogue in which server and client take turns, the server first."""
    talk = Talk()
    return [message for at, data in enumerate(dialogue) for message in talk.say(data, at % 2 == 1)]


def outcomes(messages: list[Message]) -> list[tuple[str | None, str]]:
    """User and status of every log-in."""
    return [(message.object, message.status) for message in messages if message.operation == "login"]


def test_the_first_words_are_the_banner() -> None:
    """Without the options in front of them."""
    (banner,) = seen(OPTIONS + PROMPT)
    assert banner[:7] == ("telnet", "response", "banner", None, None, "gateway login:", OK)
    assert banner.hints == (Hint(HintKey.BANNER, "gateway login:"), Hint(HintKey.ROLE, "telnet.server"))


def test_a_log_in_that_works() -> None:
    """The shell's prompt decides; the password appears nowhere."""
    messages = seen(PROMPT, b"root\r\n", b"root\r\nPassword: ", b"hunter2\r\n", b"\r\nBusyBox v1.31\r\n~ # ")
    assert outcomes(messages) == [("root", OK)]
    assert messages[-1].role == "response"
    assert "hunter2" not in repr(messages)


def test_log_ins_that_fail() -> None:
    """By words, or because it asks again."""
    by_words = seen(
        PROMPT,
        b"root\r\n",
        b"Password: ",
        b"a\r\n",
        b"\r\nLogin incorrect\r\nlogin: ",
        b"admin\r\n",
        b"Password: ",
        b"b\r\n",
        b"\r\nlogin: ",
    )
    assert outcomes(by_words) == [("root", "login_failed"), ("admin", "login_failed")]


def test_a_password_without_name_can_fail_again_and_again() -> None:
    """Network equipment asks for a password only."""
    messages = seen(b"Password: ", b"a\r\n", b"\r\nPassword: ", b"b\r\n", b"\r\n% Bad passwords\r\n")
    assert outcomes(messages) == [(None, "login_failed")] * 2


def test_keys_come_one_by_one() -> None:
    """Echoed by the server, corrected by backspace; the password is not echoed."""
    talk = Talk()
    talk.answer(PROMPT)
    for key in (b"r", b"x", b"\x7f", b"o", b"o", b"t"):
        talk.ask(key)
        talk.answer(key)
    talk.ask(b"\r\x00")
    talk.answer(b"\r\nPassword: ")
    typed = [message for key in b"hunter2\r" for message in talk.ask(bytes((key,)))]
    assert typed == []
    assert outcomes(talk.answer(b"\r\nroot@gw:~# ")) == [("root", OK)]


def test_earlier_failures_told_after_success_are_no_failure() -> None:
    """Hosts greet with the failures since the last time."""
    tale = b"\r\nLast failed login: Tue\r\nThere were 2 failed login attempts since the last successful login.\r\n$ "
    assert outcomes(seen(PROMPT, b"amy\r\n", b"Password: ", b"x\r\n", tale)) == [("amy", OK)]


def test_lines_typed_at_a_shell_are_commands() -> None:
    """Only there, and cut to the longest text kept."""
    talk = Talk(Limits(text=8))
    talk.answer(b"~ # ")
    (command,) = talk.ask(b"/bin/busybox MIRAI\r\n")
    assert command[:7] == ("telnet", "request", "command", None, "/bin/bus", None, OK)
    talk.answer(b"MIRAI: applet not found\r\n~ # ")
    assert [message.object for message in talk.ask(b"enable\nsh\n")] == ["enable", "sh"]


def test_a_password_inside_a_shell_is_neither_command_nor_log_in() -> None:
    """A program asks for it; afterwards the shell goes on."""
    talk = Talk()
    talk.answer(b"$ ")
    talk.ask(b"su\r\n")
    talk.answer(b"Password: ")
    assert talk.ask(b"hunter2\r\n") == []
    assert talk.answer(b"\r\n# ") == []
    assert [message.object for message in talk.ask(b"id\r\n")] == ["id"]


@pytest.mark.parametrize("prompt", ["Passwort: ", "Contrase\u00f1a: ", "Mot de passe : ", "Enter PIN: ", "passphrase for key: "])
def test_passwords_are_asked_for_in_many_ways(prompt: str) -> None:
    """What is typed then is not looked at."""
    talk = Talk()
    talk.answer(b"$ ")
    talk.answer(prompt.encode())
    assert talk.ask(b"hunter2\r\n") == []


def test_an_answer_to_an_unknown_question_is_no_command() -> None:
    """It may be a secret under another name."""
    talk = Talk()
    talk.answer(b"$ ")
    talk.ask(b"unlock\r\n")
    talk.answer(b"Codeword: ")
    assert talk.ask(b"hunter2\r\n") == []


def test_after_a_gap_it_begins_at_the_next_prompt() -> None:
    """A line typed after a loss may be a password."""
    talk = Talk()
    talk.answer(b"$ ")
    talk.session.gap(False)
    assert talk.ask(b"hunter2\r\n") == []


def test_long_lines_and_words_are_bounded() -> None:
    """Neither side can make the session grow."""
    talk = Talk()
    talk.answer(b"$ " * 10000 + b"\n$ ")
    (command,) = talk.ask(b"a" * 10000 + b"\r\n")
    assert len(command.object or "") == DEFAULT_LIMITS.text
    assert len(talk.ask(b"\r\n".join([b"ls"] * 5000))) <= DEFAULT_LIMITS.messages


def test_found_by_content() -> None:
    """Negotiation is certain; plain prompts and words only on the port."""
    recognise = DISSECTORS[0].recognise
    assert recognise(OPTIONS + PROMPT, False) == CERTAIN
    assert recognise(b"\xff\xfb\x01", True) == LIKELY
    assert recognise(PROMPT, False) == POSSIBLE
    assert recognise(b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01", True) == NO
    assert recognise(b"\xff\x00", True) == NO


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
