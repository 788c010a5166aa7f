"""One conversation on its way through a dissector: recognised by content, cut into messages, stamped with who and when."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, cast

from hauberk.errors import Malformed
from hauberk.model.service import SERVICE_NUMBER
from hauberk.model.transaction import MALFORMED, Message, Transaction
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector, EndAware, Session
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.reassembly.stream import Piece, Stream

_TRIES = 4
"""Payloads looked at before a conversation is left alone as unknown, where they hold enough to judge by."""
_ENOUGH = 64
"""Bytes of one side that are enough to judge a stream by: a sender of tiny segments must not end recognition early."""
_FIRST = 8
"""Bytes of one side below which a port alone does not decide."""
_MOST_TRIES = 64
"""Payloads looked at before a stream of tiny segments is left alone."""
_PATIENCE = 16
"""Malformed messages in a row after which a conversation is left alone."""

_new_tuple = tuple.__new__


class Rows:
    """The dissectors of one transport, and which of them are registered on a port."""

    __slots__ = ("all", "by_port")

    def __init__(self, rows: Sequence[Dissector]) -> None:
        self.all = tuple(rows)
        self.by_port: dict[int | None, tuple[Dissector, ...]] = {}
        for row in rows:
            for port in row.ports:
                self.by_port[port] = (*self.by_port.get(port, ()), row)


class Direction:
    """What one side has sent and is not yet read."""

    __slots__ = ("chunks", "dst", "dst_port", "frame", "have", "lost", "src", "src_port", "stream", "time", "to_responder", "want")

    def __init__(self, to_responder: bool, src: str, src_port: int | None, dst: str, dst_port: int | None) -> None:
        self.to_responder = to_responder
        self.src = src
        self.src_port = src_port
        self.dst = dst
        self.dst_port = dst_port
        self.stream: Stream | None = None
        self.chunks: list[bytes] = []
        self.have = 0
        self.want = 0
        self.lost = False
        self.frame = 0
        self.time = 0

    def clear(self) -> None:
        """Forget what waits."""
        self.chunks.clear()
        self.have = 0
        self.want = 0


class Conversation:
    """State of one conversation between the flow table and its dissector."""

    __slots__ = (
        "began",
        "directions",
        "ending",
        "finished",
        "limits",
        "malformed",
        "row",
        "rows",
        "session",
        "stream",
        "tries",
        "waiting",
    )

    def __init__(self, rows: Rows, directions: tuple[Direction, Direction], limits: Limits, *, stream: bool, began: bool) -> None:
        """``directions``: from the responder, from the initiator, so that ``outward`` indexes them.

        ``began``: its beginning was seen.
        """
        self.began = began
        self.rows = rows
        self.directions = directions
        self.limits = limits
        self.stream = stream
        self.row: Dissector | None = None
        self.session: Session | None = None
        self.ending: EndAware | None = None
        self.tries = 0
        self.malformed = 0
        self.finished = False
        self.waiting: list[tuple[int, Piece]] = []

    @property
    def service(self) -> int:
        """Number of the protocol that was recognised, 0 before."""
        return SERVICE_NUMBER.get(self.row.name, 0) if self.row else 0

    def take(self, piece: Piece, outward: int, out: list[Transaction]) -> None:
        """Read a piece of the stream, or a datagram, and append the transactions it completes to ``out``."""
        if self.session is None:
            self._introduce(piece, outward, out)
        elif self.stream:
            self._read_stream(self.session, piece, self.directions[outward], out)
        else:
            self.read_message(self.session, piece.data, piece.frame, piece.time, self.directions[outward], out)

    def end(self, direction: Direction, frame: int, time: int, out: list[Transaction]) -> None:
        """That direction sends nothing more, as ``frame`` at ``time`` (nanoseconds) says: what only that completes is due."""
        if self.ending is None or self.finished:
            return
        messages = self.ending.ended(direction.to_responder)
        if messages:
            self._append(messages, frame, time, direction, out)

    def lost(self, direction: Direction) -> None:
        """Bytes of ``direction`` were on the wire but not captured."""
        direction.clear()
        direction.lost = True
        if self.session is not None:
            self.session.gap(direction.to_responder)

    def _introduce(self, piece: Piece, outward: int, out: list[Transaction]) -> None:
        """Recognise the protocol by this payload and read what waited for that."""
        self.waiting.append((outward, piece))
        data = piece.data
        sent = sum(len(held.data) for side, held in self.waiting if side == outward)
        if self.stream and self.tries and self.began:
            data = b"".join(held.data for side, held in self.waiting if side == outward)
        found = recognise(self.rows, data, self.directions[outward])
        self.tries += 1
        tiny = self.stream and self.tries < _MOST_TRIES
        if found.row is not None and not found.sure and tiny and sent < _FIRST:
            return
        self.row = found.row
        if self.row is None:
            if self.tries >= _TRIES and not (tiny and sent < _ENOUGH):
                self.finished = True
                self.waiting.clear()
            return
        session = self.session = self.row.start(self.limits)
        if _is_end_aware(type(session)):
            self.ending = cast("EndAware", session)
        if found.turned:
            for direction in self.directions:
                direction.to_responder = not direction.to_responder
        if self.stream and not self.began:
            # The capture begins inside a message: wait for the start of one instead of calling its rest malformed.
            self.directions[1 - outward].lost = True
            self.directions[outward].lost = not found.sure
            if found.sure:
                del self.waiting[:-1]
        waiting, self.waiting = self.waiting, []
        for side, held in waiting:
            if not self.finished:
                self.take(held, side, out)

    def _read_stream(self, session: Session, piece: Piece, direction: Direction, out: list[Transaction]) -> None:
        """Append a piece to its direction and read every whole message."""
        if piece.gap:
            session.gap(direction.to_responder)
            direction.clear()
            direction.lost = True
        if direction.lost:
            assert self.row is not None
            if self.row.recognise(piece.data, direction.to_responder) < POSSIBLE:
                return
            direction.lost = False
        data = piece.data
        if direction.have:
            direction.chunks.append(data)
            direction.have += len(data)
            if direction.have < direction.want:
                return
            data = b"".join(direction.chunks)
            direction.clear()
        self.cut(session, data, piece.frame, piece.time, direction, out)

    def cut(self, session: Session, data: bytes, frame: int, time: int, direction: Direction, out: list[Transaction]) -> None:
        """Cut ``data``, before which nothing waits, into messages and read them; keep the rest."""
        direction.frame, direction.time = frame, time
        start, size = 0, len(data)
        while start < size and not self.finished:
            rest = data if start == 0 else data[start:]
            try:
                length = session.frame_length(rest, direction.to_responder)
            except Malformed:
                self._broken(frame, time, direction, out)
                session.gap(direction.to_responder)
                direction.lost = True
                return
            if length > self.limits.message_bytes or (length == 0 and len(rest) >= self.limits.message_bytes):
                self._broken(frame, time, direction, out)
                session.gap(direction.to_responder)
                direction.lost = True
                return
            if length == 0 or length > len(rest):
                direction.chunks.append(rest)
                direction.have = len(rest)
                direction.want = length
                return
            self.read_message(session, rest if length == len(rest) else rest[:length], frame, time, direction, out)
            start += length

    def read_message(
        self, session: Session, pdu: bytes, frame: int, time: int, direction: Direction, out: list[Transaction]
    ) -> None:
        """Read one whole message or datagram, completed by ``frame`` at ``time`` (nanoseconds)."""
        try:
            messages = session.read(pdu, direction.to_responder)
        except Malformed:
            self._broken(frame, time, direction, out)
            return
        if messages:
            self._append(messages, frame, time, direction, out)
        if session.finished:
            self.finished = True

    def _append(self, messages: list[Message], frame: int, time: int, direction: Direction, out: list[Transaction]) -> None:
        """Stamp ``messages`` with who and when."""
        seconds = time / 1e9
        src, src_port, dst, dst_port = direction.src, direction.src_port, direction.dst, direction.dst_port
        for protocol, role, operation, code, what, value, status, write, hints in messages:
            out.append(
                _new_tuple(
                    Transaction,
                    (
                        frame,
                        seconds,
                        protocol,
                        src,
                        src_port,
                        dst,
                        dst_port,
                        role,
                        operation,
                        code,
                        what,
                        value,
                        status,
                        write,
                        hints,
                    ),
                )
            )
        if messages[-1].status != MALFORMED:
            self.malformed = 0
        else:
            self._weary()

    def _broken(self, frame: int, time: int, direction: Direction, out: list[Transaction]) -> None:
        """Note a message that could not be read."""
        assert self.row is not None
        message = Message(self.row.name, "request" if direction.to_responder else "response", "malformed", status=MALFORMED)
        out.append(
            Transaction(
                frame,
                time / 1e9,
                message.protocol,
                direction.src,
                direction.src_port,
                direction.dst,
                direction.dst_port,
                *message[1:],
            )
        )
        self._weary()

    def _weary(self) -> None:
        self.malformed += 1
        if self.malformed >= _PATIENCE:
            self.finished = True


@lru_cache
def _is_end_aware(kind: type) -> bool:
    """Whether sessions of ``kind`` know ends; asked once a kind, because asking a protocol class is slow."""
    return issubclass(kind, EndAware)


class Recognised(NamedTuple):
    """The protocol of a conversation's first payload, if any."""

    row: Dissector | None
    sure: bool
    """Its content says so, not the port alone."""
    turned: bool
    """It is registered on the initiator's port, and the content agrees: initiator and responder were taken for each other."""


def recognise(rows: Rows, data: bytes, direction: Direction) -> Recognised:
    """What ``data``, sent in ``direction``, speaks.

    Content that is sure comes first, then a registered port of the responder, then one of the initiator, which is the responder
    where the true beginning was not seen.
    """
    to_responder = direction.to_responder
    here, there = direction.dst_port, direction.src_port
    if not to_responder:
        here, there = there, here
    registered = rows.by_port.get(here, ())
    turned = tuple(row for row in rows.by_port.get(there, ()) if row not in registered) if there != here else ()
    best: Dissector | None = None
    best_score = NO
    for row in registered:
        score = row.recognise(data, to_responder)
        if score >= LIKELY:
            return Recognised(row, True, False)
        if score and score + POSSIBLE > best_score:
            best, best_score = row, score + POSSIBLE
    other_way = False
    for row in turned:
        straight, reverse = row.recognise(data, to_responder), row.recognise(data, not to_responder)
        score = max(straight, reverse)
        if score >= LIKELY:
            return Recognised(row, True, reverse > straight)
        if score and score + POSSIBLE > best_score:
            best, best_score, other_way = row, score + POSSIBLE, reverse > straight
    for row in rows.all:
        if row in registered or row in turned:
            continue
        score = row.recognise(data, to_responder)
        if score > best_score:
            best, best_score, other_way = row, score, False
            if score >= CERTAIN:
                break
    if best_score >= 2 * POSSIBLE:
        return Recognised(best, True, other_way)
    if registered:
        return Recognised(registered[0], False, False)
    return Recognised(None, False, False)
