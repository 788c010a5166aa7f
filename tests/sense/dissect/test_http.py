"""HTTP/1 on streams."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.http import DISSECTORS
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, EndAware
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

BASIC = base64.b64encode(b"admin:secret")
GET = b"GET /status?n=1 HTTP/1.1\r\nHost: plc.lan\r\nUser-Agent: panel/2\r\n\r\n"
PUT = b'PUT /api/lights/1 HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"on":true}'
LOGGED_IN = b"GET / HTTP/1.1\r\nHost: cam\r\nAuthorization: Basic " + BASIC + b"\r\n\r\n"
FORM = (
    b"POST /login.cgi HTTP/1.1\r\nHost: cam\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 33\r\n\r\n"
    b"username=root&passwd=hunter2&go=1"
)
SOAP = (
    b"POST /upnp/control/basicevent1 HTTP/1.1\r\nHost: 192.0.2.7\r\nContent-Type: text/xml\r\n"
    b'SOAPACTION: "urn:Belkin:service:basicevent:1#SetBinaryState"\r\nContent-Length: 4\r\n\r\n<a/>'
)
OKAY = b"HTTP/1.1 200 OK\r\nServer: tiny/1\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: 1\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
DENIED = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="cam"\r\nContent-Length: 0\r\n\r\n'
CLOSING = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end"
DESCRIPTION = (
    b'<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceType>urn:x:device:plug:1</deviceType>'
    b"<manufacturer>Acme</manufacturer><modelName>Plug 3</modelName><serialNumber>S1</serialNumber></device></root>"
)

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (GET, True),
    (PUT, True),
    (LOGGED_IN, True),
    (FORM, True),
    (SOAP, True),
    (OKAY, False),
    (CHUNKED, False),
    (NOT_FOUND, False),
    (DENIED, False),
    (CLOSING, False),
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


def test_a_request_gives_method_and_target() -> None:
    """Host and path; the client names its software."""
    (get,) = Talk().ask(GET)
    assert get[:8] == ("http", "request", "get", None, "plc.lan/status?n=1", None, OK, False)
    assert get.hints == (Hint(HintKey.USER_AGENT, "panel/2"),)


def test_a_response_belongs_to_its_request() -> None:
    """Operation and object are the request's; the server is described once."""
    talk = Talk()
    talk.ask(GET)
    (response,) = talk.answer(OKAY)
    assert response[:7] == ("http", "response", "get", 200, "plc.lan/status?n=1", ("text/html", "tiny/1"), OK)
    assert response.hints == (Hint(HintKey.ROLE, "http.server"), Hint(HintKey.BANNER, "tiny/1"))
    talk.ask(GET)
    assert talk.answer(OKAY)[0].hints == ()


def test_pipelined_requests_are_answered_in_order() -> None:
    """RFC 9112 section 9.3.2."""
    talk = Talk()
    talk.ask(GET + PUT)
    operations = [(message.operation, message.status) for message in talk.answer(NOT_FOUND + OKAY)]
    assert operations == [("get", "not_found"), ("put", OK)]


def test_a_response_without_request_is_just_that() -> None:
    """The capture began in between."""
    (response,) = Talk().answer(NOT_FOUND)
    assert (response.operation, response.code, response.object) == ("response", 404, None)


def test_changing_methods_write() -> None:
    """PUT changes, and so does a SOAP action that sets; the action is the value."""
    (put,) = Talk().ask(PUT)
    (soap,) = Talk().ask(SOAP)
    assert (put.write, put.value) == (True, "application/json")
    assert (soap.operation, soap.write, soap.value) == ("post", True, "SetBinaryState")


@pytest.mark.parametrize("data", [OKAY, CHUNKED, PUT])
def test_a_message_is_given_at_the_end_of_its_body(data: bytes) -> None:
    """However the bytes are cut; nothing of a body is waited for at once."""
    talk = Talk()
    for at in range(len(data) - 1):
        assert talk.say(data[at : at + 1], data is PUT) == []
    assert len(talk.say(data[-1:], data is PUT)) == 1
    assert len(talk.say(data, data is PUT)) == 1


def test_a_body_until_the_end_of_the_connection_is_passed_over() -> None:
    """RFC 9112 section 6.3, last item: what looks like a message inside is none."""
    talk = Talk()
    assert talk.answer(CLOSING) == []
    assert talk.answer(NOT_FOUND) == []
    assert isinstance(talk.session, EndAware)
    assert [message.code for message in talk.session.ended(to_responder=False)] == [200]
    assert talk.session.ended(to_responder=False) == []


def test_a_message_whose_body_was_cut_short_is_due_at_the_end() -> None:
    """The sender went away in the middle: what it said so far counts."""
    talk = Talk()
    assert talk.ask(PUT[:-4]) == []
    assert isinstance(talk.session, EndAware)
    assert [message.operation for message in talk.session.ended(to_responder=True)] == ["put"]


def test_a_large_body_does_not_hold_its_message_back() -> None:
    """Longer than what may be buffered: the head speaks for itself."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"
    talk = Talk()
    assert [message.code for message in talk.answer(head + bytes(1000))] == [200]
    assert talk.answer(bytes(4_999_000)) == []
    assert [message.code for message in talk.answer(NOT_FOUND)] == [404]


def test_an_answer_releases_a_request_that_goes_on() -> None:
    """Otherwise a request could hide behind a body that never ends."""
    talk = Talk()
    assert talk.ask(PUT[:-4]) == []
    assert [message.role for message in talk.answer(NOT_FOUND)] == ["response"]
    assert [message.role for message in talk.ask(PUT[-4:] + GET)] == ["request", "request"]


def test_an_interim_answer_does_not_release_the_request() -> None:
    """RFC 9110 section 15.2.1: after 100 Continue the body follows."""
    talk = Talk()
    assert talk.ask(PUT[:-4]) == []
    assert [message.code for message in talk.answer(b"HTTP/1.1 100 Continue\r\n\r\n")] == [100]
    assert [message.operation for message in talk.ask(PUT[-4:])] == ["put"]


def test_a_gap_gives_what_was_held_and_forgets_the_pairs() -> None:
    """The message was whole but for its body."""
    talk = Talk()
    talk.ask(PUT[:-4])
    talk.session.gap(True)
    talk.waiting = [b"", b""]
    assert [message.operation for message in talk.answer(NOT_FOUND)] == ["response"]
    assert [message.operation for message in talk.ask(GET)] == ["put", "get"]


@pytest.mark.parametrize("head", [b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"])
def test_some_responses_have_no_body(head: bytes) -> None:
    """RFC 9112 section 6.3, item 1."""
    talk = Talk()
    talk.ask(GET + GET)
    assert [message.code for message in talk.answer(head + NOT_FOUND)][-1] == 404


def test_the_answer_to_head_has_no_body() -> None:
    """Its length is that of the answer to GET."""
    talk = Talk()
    talk.ask(GET.replace(b"GET", b"HEAD") + GET)
    assert [message.operation for message in talk.answer(OKAY[:-5] + NOT_FOUND)] == ["head", "get"]


def test_an_interim_answer_is_not_the_answer() -> None:
    """100 Continue leaves the request open."""
    talk = Talk()
    talk.ask(PUT)
    messages = talk.answer(b"HTTP/1.1 100 Continue\r\n\r\n" + OKAY)
    assert [(message.operation, message.code) for message in messages] == [("put", 100), ("put", 200)]


def test_after_a_switch_of_protocols_nothing_is_read() -> None:
    """WebSocket, or a tunnel."""
    talk = Talk()
    talk.ask(GET)
    talk.answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
    assert talk.session.finished
    tunnel = Talk()
    assert tunnel.ask(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n")[0].object == "a.example:443"
    tunnel.answer(b"HTTP/1.1 200 Established\r\n\r\n")
    assert tunnel.session.finished


def test_basic_credentials_are_a_log_in() -> None:
    """Seen once, let through once; the password appears nowhere."""
    talk = Talk()
    messages = talk.ask(LOGGED_IN) + talk.answer(OKAY) + talk.ask(LOGGED_IN) + talk.answer(OKAY)
    logins = [message for message in messages if message.operation == "login"]
    assert [(login.role, login.code, login.object, login.status) for login in logins] == [
        ("request", None, "admin", OK),
        ("response", 200, "admin", OK),
    ]
    assert "secret" not in repr(messages)
    assert len(messages) == 6


def test_every_refused_log_in_counts() -> None:
    """Guessing shows as a row of refusals."""
    talk = Talk()
    statuses = []
    for _ in range(3):
        talk.ask(LOGGED_IN)
        statuses += [message.status for message in talk.answer(DENIED) if message.operation == "login"]
    assert statuses == ["unauthorized"] * 3


def test_a_form_with_a_password_is_a_log_in() -> None:
    """The user is named, the password is not; an answer of 200 proves nothing."""
    talk = Talk()
    request, login = talk.ask(FORM)
    assert (request.operation, login.operation, login.object) == ("post", "login", "root")
    assert "hunter2" not in repr((request, login))
    assert [message.operation for message in talk.answer(OKAY)] == ["post"]
    talk.ask(FORM)
    assert [(message.operation, message.status) for message in talk.answer(DENIED)][-1] == ("login", "unauthorized")


def test_a_query_with_a_password_is_a_log_in() -> None:
    """Cameras take it there; the object hides it."""
    messages = Talk().ask(b"GET /cgi?user=admin&pwd=secret HTTP/1.1\r\nHost: cam\r\n\r\n")
    assert [message.object for message in messages] == ["cam/cgi?user=admin&pwd=*", "admin"]


def test_digest_credentials_are_not_in_the_clear() -> None:
    """RFC 7616 hides the password."""
    assert len(Talk().ask(LOGGED_IN.replace(b"Basic", b"Digest"))) == 1


def test_a_device_description_describes_the_server() -> None:
    """UPnP: maker, model and serial number."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(DESCRIPTION)}\r\n\r\n".encode()
    (response,) = Talk().answer(head + DESCRIPTION)
    assert Hint(HintKey.MODEL, "Plug 3") in response.hints
    assert Hint(HintKey.VENDOR, "Acme") in response.hints


def test_empty_lines_between_messages_are_skipped() -> None:
    """RFC 9112 section 2.2."""
    talk = Talk()
    assert [message.operation for message in talk.ask(b"\r\n" + GET + b"\r\n\r\n" + GET)] == ["get", "get"]


def test_a_bad_length_or_field_is_malformed() -> None:
    """The message is known, its framing is not."""
    assert Talk().ask(PUT[:-11].replace(b"Length: 11", b"Length: -1"))[0].status == MALFORMED
    assert Talk().ask(GET.replace(b"Host:", b"Host"))[0].status == MALFORMED


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\xa5" + bytes(60), b"GET / RTSP/1.0\r\n\r\n", b"hello world\r\n", b"A" * 40])
def test_what_is_no_start_line_is_refused(data: bytes) -> None:
    """The stream layer then looks for another beginning."""
    with pytest.raises(Malformed):
        Talk().ask(data)


def test_heads_and_chunk_lines_are_bounded() -> None:
    """A line without end is not waited for."""
    with pytest.raises(Malformed):
        Talk().ask(b"GET /" + b"a" * (1 << 17))
    talk = Talk()
    with pytest.raises(Malformed):
        talk.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 5000)
    with pytest.raises(Malformed):
        Talk().answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")


def test_unanswered_requests_are_bounded() -> None:
    """The oldest are forgotten."""
    talk = Talk(Limits(pending=2))
    talk.ask(PUT + GET + GET)
    assert [message.operation for message in talk.answer(NOT_FOUND * 3)] == ["get", "get", "response"]


@pytest.mark.parametrize("data", [sample for sample, _ in SAMPLES])
def test_found_by_content(data: bytes) -> None:
    """Start lines are certain on any port and in either direction."""
    assert DISSECTORS[0].recognise(data, True) == CERTAIN


def test_a_long_target_is_likely() -> None:
    """The line ends in a later segment."""
    assert DISSECTORS[0].recognise(b"GET /" + b"a" * 1400, True) == LIKELY


@pytest.mark.parametrize(
    "data", [b"", b"GET", b"OPTIONS rtsp://a RTSP/1.0\r\n", b"SSH-2.0-x\r\n", b"\x16\x03\x01", b"USER a\r\n", bytes(40)]
)
def test_others_are_not_http(data: bytes) -> None:
    """RTSP, SSH, TLS, FTP and zeros."""
    assert DISSECTORS[0].recognise(data, True) == NO


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
