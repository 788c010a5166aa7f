"""Reads the payloads the kernel chose: keeps a conversation for each flow, puts segments in order, hands them to dissectors."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hauberk.errors import Malformed
from hauberk.model.address import ip_text, mac_text
from hauberk.model.observation import Columns
from hauberk.model.transaction import Transaction
from hauberk.sense.conversation import Conversation, Direction, Rows
from hauberk.sense.dissect.interface import Dissector
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits
from hauberk.sense.flow.table import FlowTable
from hauberk.sense.reassembly.stream import Piece, Stream, StreamLimits
from hauberk.sense.servers import ServerMemory

_TCP, _UDP = 6, 17
_MASK = 0xFFFFFFFF

_DEFECTS = (
    LookupError,
    ValueError,
    ArithmeticError,
    TypeError,
    AttributeError,
    AssertionError,
    RuntimeError,
    BufferError,
    struct.error,
    Malformed,
)
"""What a dissector with a defect may raise; its contract allows ``Malformed`` only, and that not everywhere."""
_DEFECT_SAMPLES = 20
_NO_ROWS = Rows(())


class PayloadReader:
    """Conversations and their dissectors. One reader belongs to one sensor."""

    def __init__(
        self,
        dissectors: Sequence[Dissector],
        limits: Limits = DEFAULT_LIMITS,
        streams: StreamLimits | None = None,
        *,
        recognise_only: bool = False,
    ) -> None:
        """``recognise_only``: leave a conversation alone once its protocol is known."""
        self.limits = limits
        self.streams = streams or StreamLimits()
        self.transactions: list[Transaction] = []
        self._servers = ServerMemory() if recognise_only else None
        self.defects = 0
        self.defect_samples: list[str] = []
        chosen = {name: [row for row in dissectors if row.transport == name] for name in ("tcp", "udp", "ethernet")}
        self._rows = {name: Rows(rows) for name, rows in chosen.items()}
        self._ethernet = {ethertype: Rows(rows) for ethertype, rows in self._rows["ethernet"].by_port.items()}
        self._conversations: dict[int, Conversation] = {}
        self._fresh: dict[int, int] = {}
        self._held = 0

    def begin(self) -> None:
        """Begin a new batch of transactions."""
        self.transactions = []
        self._fresh = {}

    def read(  # noqa: PLR0912 - one pass over every packet: a call for each case would cost more than it explains
        self, data: NDArray[np.uint8], packets: Columns, candidates: Columns, table: FlowTable
    ) -> None:
        """Read the payloads of ``candidates``, which lie in ``data``."""
        if self._servers is not None:
            candidates = self._unknown(self._servers, packets, candidates, table)
        conversations = self._conversations
        out = self.transactions
        memory = data.data
        for candidate in candidates.tolist():
            flow, slot, packet, time, frame, start, size, missing, seq, ack, base, transport, _, outward, based, last = candidate
            conversation = conversations.get(flow)
            if conversation is None:
                if not size and not missing:
                    continue
                conversation = conversations[flow] = self._open(packets[packet], outward, transport, began=bool(based))
            elif conversation.finished:
                continue
            session = conversation.session
            try:
                if (
                    session is not None
                    and size
                    and not missing
                    and (transport != _TCP or _follows(conversation, outward, seq, size))
                ):
                    # Nearly every packet: what comes next of a conversation that is known, with nothing waiting before it.
                    payload, direction = bytes(memory[start : start + size]), conversation.directions[outward]
                    if transport == _TCP:
                        conversation.cut(session, payload, frame, time, direction, out)
                    else:
                        conversation.read_message(session, payload, frame, time, direction, out)
                elif transport == _TCP:
                    view = memory[start : start + size]
                    self._segment(conversation, outward, view, frame, time, seq, ack, base if based else seq, missing)
                elif size and not missing:
                    conversation.take(Piece(bytes(memory[start : start + size]), frame, time, False), outward, out)
                if last:
                    _end(conversation, outward, (seq + size + missing) & _MASK, frame, time, out)
            except _DEFECTS as error:
                self._defect(conversation, frame, error)
            if session is None and conversation.session is not None:
                self._name(flow, slot, conversation.service, table)
                if self._servers is not None:
                    conversation.finished = True
                    self._servers.learn(packets[packet], outward=bool(outward), service=conversation.service)
            if conversation.finished:
                self._release(conversation)
                if table.flows["id"][slot] == flow:
                    table.muted[slot] = 1

    def _unknown(self, servers: ServerMemory, packets: Columns, candidates: Columns, table: FlowTable) -> Columns:
        """The candidates whose conversation has no service yet, after naming those of known servers."""
        ids, first, inverse = np.unique(candidates["id"], return_index=True, return_inverse=True)
        heads = candidates[first]
        services = servers.recall(packets, heads)
        for flow, slot, service in zip(ids.tolist(), heads["slot"].tolist(), services.tolist(), strict=True):
            if service:
                self._name(flow, slot, service, table)
                if table.flows["id"][slot] == flow:
                    table.muted[slot] = 1
        unknown: Columns = candidates[services[inverse.ravel()] == 0]
        return unknown

    def settle(self, activity: Columns | None, flows: Columns | None) -> None:
        """Write the service of conversations recognised in this batch into rows made before; forget conversations that ended."""
        if self._fresh:
            ids = np.fromiter(self._fresh.keys(), np.uint64, len(self._fresh))
            services = np.fromiter(self._fresh.values(), np.uint8, len(self._fresh))
            order = np.argsort(ids)
            for rows in (activity, flows):
                if rows is not None:
                    _name_rows(rows, ids[order], services[order])
        if flows is not None and self._conversations:
            for flow in flows["id"].tolist():
                conversation = self._conversations.pop(flow, None)
                if conversation is not None:
                    self._close(conversation)

    def _defect(self, conversation: Conversation, frame: int, error: Exception) -> None:
        """A dissector broke its contract: note it, leave the conversation alone and go on."""
        name = conversation.row.name if conversation.row else "recognition"
        conversation.finished = True
        self.defects += 1
        if len(self.defect_samples) < _DEFECT_SAMPLES:
            self.defect_samples.append(f"frame {frame}: dissector {name} failed with {type(error).__name__}: {error}")

    def _open(self, packet: np.void, outward: int, transport: int, *, began: bool) -> Conversation:
        """Begin a conversation with ``packet``."""
        if packet["ip_version"]:
            src, dst = ip_text(int(packet["s_hi"]), int(packet["s_lo"])), ip_text(int(packet["d_hi"]), int(packet["d_lo"]))
        else:
            src, dst = mac_text(int(packet["s_lo"])), mac_text(int(packet["d_lo"]))
        ports: tuple[int | None, int | None] = (int(packet["s_port"]), int(packet["d_port"]))
        kind = "tcp" if transport == _TCP else "udp" if transport == _UDP else "ethernet"
        rows = self._rows[kind] if kind != "ethernet" else _NO_ROWS
        if not packet["ip_version"]:
            rows = self._ethernet.get(int(packet["d_port"]), _NO_ROWS)
            ports = (None, None)
        sent = Direction(bool(outward), src, ports[0], dst, ports[1])
        answered = Direction(not outward, dst, ports[1], src, ports[0])
        directions = (answered, sent) if outward else (sent, answered)
        conversation = Conversation(rows, directions, self.limits, stream=transport == _TCP, began=began)
        conversation.finished = not rows.all
        return conversation

    def _segment(  # noqa: PLR0913, PLR0917 - the columns of a candidate, once a packet
        self,
        conversation: Conversation,
        outward: int,
        view: memoryview,
        frame: int,
        time: int,
        seq: int,
        ack: int,
        base: int,
        missing: int,
    ) -> None:
        """Put a TCP segment in its place and read what is in order."""
        direction = conversation.directions[outward]
        stream = direction.stream
        if stream is None:
            stream = direction.stream = Stream(base, self.streams)
        other = conversation.directions[1 - outward].stream
        if other is not None and other.held and other.acknowledged(ack):
            self._deliver(conversation, 1 - outward, other, other.give_up())
        if seq == stream.expected and not stream.held:
            stream.expected = (seq + len(view)) & _MASK
            if view:
                conversation.take(Piece(bytes(view), frame, time, False), outward, self.transactions)
        elif view:
            self._deliver(conversation, outward, stream, stream.add(seq, bytes(view), frame, time))
            if self._held > self.streams.total_bytes:
                self._deliver(conversation, outward, stream, stream.give_up())
        if missing and stream.skip((seq + len(view)) & _MASK, missing):
            conversation.lost(direction)
            self._deliver(conversation, outward, stream, stream.released())

    def _deliver(self, conversation: Conversation, outward: int, stream: Stream, pieces: Iterator[Piece]) -> None:
        """Read pieces of a stream, and keep count of what still waits."""
        before = stream.held_bytes
        try:
            for piece in pieces:
                if not conversation.finished:
                    conversation.take(piece, outward, self.transactions)
        finally:
            self._held += stream.held_bytes - before

    def _release(self, conversation: Conversation) -> None:
        """Let go of what waits in a conversation that is read no further."""
        for direction in conversation.directions:
            if direction.stream is not None:
                self._held -= direction.stream.held_bytes
                direction.stream = None
            direction.clear()
        conversation.waiting.clear()

    def _name(self, flow: int, slot: int, service: int, table: FlowTable) -> None:
        """Note which protocol a conversation speaks."""
        self._fresh[flow] = service
        if table.flows["id"][slot] == flow:
            table.flows["service"][slot] = service
            table.delta["service"][slot] = service

    def _close(self, conversation: Conversation) -> None:
        """Read what still waits behind a hole when a conversation ends."""
        for outward in (0, 1):
            stream = conversation.directions[outward].stream
            while stream is not None and stream.held and not conversation.finished:
                frame = min(frame for _, frame, _ in stream.held.values())
                try:
                    self._deliver(conversation, outward, stream, stream.give_up())
                except _DEFECTS as error:
                    self._defect(conversation, frame, error)
        for direction in conversation.directions:
            # Without a FIN (reset, expired, or the capture is over) the last that was seen stands for the end.
            try:
                conversation.end(direction, direction.frame, direction.time, self.transactions)
            except _DEFECTS as error:
                self._defect(conversation, direction.frame, error)
        self._release(conversation)


def _end(conversation: Conversation, outward: int, seq: int, frame: int, time: int, out: list[Transaction]) -> None:
    """A FIN at ``seq`` ends its direction, if everything before it was read."""
    direction = conversation.directions[outward]
    if direction.stream is not None and direction.stream.expected == seq and not direction.stream.held and not direction.lost:
        conversation.end(direction, frame, time, out)


def _follows(conversation: Conversation, outward: int, seq: int, size: int) -> bool:
    """True, with the stream moved on, if a segment is the next of its direction and nothing waits on either side."""
    direction = conversation.directions[outward]
    stream = direction.stream
    if stream is None or seq != stream.expected or stream.held or direction.have or direction.lost:
        return False
    other = conversation.directions[1 - outward].stream
    if other is not None and other.held:
        return False
    stream.expected = (seq + size) & _MASK
    return True


def _name_rows(rows: Columns, ids: NDArray[np.uint64], services: NDArray[np.uint8]) -> None:
    """Set the service of rows whose conversation is among ``ids`` (sorted)."""
    place = np.searchsorted(ids, rows["id"])
    place[place == len(ids)] = 0
    match = ids[place] == rows["id"]
    rows["service"][match] = services[place[match]]
