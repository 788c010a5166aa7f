"""Suricata's EVE log onto the model: one JSON object a line, of any event types in any order.

Flow events become activity and flows, application events transactions. Alerts and anomalies are another sensor's judgement and no
observation: they are handed over apart, as ``SensorAlert``. Lines that cannot be read are skipped and counted; compressed files are
opened by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from hauberk.errors import InputError
from hauberk.formats.eve_events import EVENTS, SERVER_PORTS
from hauberk.formats.eve_flow import connection
from hauberk.formats.log_connection import Connection, protocol_name, rows
from hauberk.formats.log_message import Ends, Said, Scribe
from hauberk.formats.log_record import LineProblem, Problems, Record
from hauberk.model.observation import Observations
from hauberk.model.service import SERVICE_NUMBER
from hauberk.model.transaction import MALFORMED, Message, Transaction

_LOWEST = 3
"""Severity of an anomaly: Suricata's 1 is the highest, 3 the lowest that its rules use."""


@dataclass(frozen=True, slots=True)
class SensorAlert:
    """What another sensor holds to be wrong.

    ``time``: epoch seconds. ``severity``: Suricata's, 1 highest. ``action``: ``allowed`` or ``blocked``. ``signature_id`` is 0 and
    ``category`` ``anomaly`` for anomalies, whose ``signature`` is the name of the event. ``line``: its number in the log.
    """

    time: float
    src: str
    src_port: int | None
    dst: str
    dst_port: int | None
    signature: str
    signature_id: int
    severity: int
    category: str
    action: str
    protocol: str | None
    line: int


def sniff(first_bytes: bytes) -> bool:
    """Whether a file that begins with these bytes is an EVE log."""
    line = first_bytes.lstrip(b"\xef\xbb\xbf\r\n ").partition(b"\n")[0]
    return line.startswith(b"{") and b'"event_type"' in line and b'"timestamp"' in line


class EveReader:
    """Reads one log, a part at a time. ``name`` is the file's.

    Memory does not grow with the file. ``ignored`` counts sound events that hold nothing for the model; ``alerts`` holds what the
    latest part told, and is emptied by the next.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.ignored = 0
        self.alerts: list[SensorAlert] = []
        self._problems = Problems()
        self._line = 0
        self._scribe = Scribe()
        self._latest = float("-inf")

    @property
    def problems(self) -> list[LineProblem]:
        """Why lines were skipped, one for each reason."""
        return self._problems.listed()

    @property
    def skipped(self) -> int:
        """Lines that could not be read."""
        return self._problems.skipped

    def feed(self, lines: Iterable[bytes]) -> Observations:
        """Observations of the next lines."""
        self.alerts = []
        connections: list[Connection] = []
        transactions: list[Transaction] = []
        for line in lines:
            self._line += 1
            if line.isspace() or not line:
                continue
            try:
                self._take(_event(line), connections, transactions)
            except InputError as error:
                self._problems.add(self._line, str(error))
        if not connections:
            return Observations(transactions=transactions, watermark=self._latest)
        activity, flows = rows(connections)
        return Observations(activity, flows, transactions=transactions, watermark=self._latest)

    def _take(self, record: Record, connections: list[Connection], transactions: list[Transaction]) -> None:
        kind = record.text("event_type")
        if kind is None:
            raise InputError("no event type")
        if kind == "flow":
            found = connection(record)
            connections.append(found)
            self._latest = max(self._latest, found.start * 1e-9)
        elif kind in {"alert", "anomaly"}:
            self._judged(record, kind, transactions)
        elif kind in EVENTS:
            event = record.part(kind)
            if event is None:
                raise InputError(f"a {kind} event without {kind}")
            time, ends = record.time("timestamp") * 1e-9, _ends(record, kind)
            transactions.extend([self._scribe.write(_sister(said, ends), ends, time, self._line) for said in EVENTS[kind](event)])
            self._latest = max(self._latest, time)
        else:
            self.ignored += 1

    def _judged(self, record: Record, kind: str, transactions: list[Transaction]) -> None:
        """An alert or an anomaly; one of an application protocol is a malformed message too."""
        time, ends = record.time("timestamp") * 1e-9, _ends(record, "")
        said = record.part(kind)
        if said is None:
            raise InputError(f"an {kind} event without {kind}")
        told = record.text("app_proto") or said.text("app_proto")
        protocol = protocol_name(told, ends.b_port or 0) if told else None
        self._latest = max(self._latest, time)
        if kind == "alert":
            alert = SensorAlert(
                time,
                *ends,
                said.text("signature") or "",
                said.whole("signature_id") or 0,
                said.whole("severity") or _LOWEST,
                said.text("category") or "",
                said.text("action") or "allowed",
                protocol,
                self._line,
            )
        else:
            event = said.text("event") or "unknown"
            alert = SensorAlert(time, *ends, event, 0, _LOWEST, "anomaly", "allowed", protocol, self._line)
            if said.text("type") == "applayer" and protocol in SERVICE_NUMBER:
                message = Message(str(protocol), "event", "anomaly", None, None, event, MALFORMED)
                transactions.append(self._scribe.write(Said(True, message), ends, time, self._line))
        self.alerts.append(alert)


def _event(line: bytes) -> Record:
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InputError("not a JSON object") from error
    if not isinstance(values, dict):
        raise InputError("not a JSON object")
    return Record(values)


def _ends(record: Record, kind: str) -> Ends:
    """Who is client and server of an application event, or source and destination of any other."""
    source, destination = record.text("src_ip"), record.text("dest_ip")
    if source is None or destination is None:
        raise InputError("no addresses")
    source_port, destination_port = record.whole("src_port"), record.whole("dest_port")
    servers = SERVER_PORTS.get(kind, ())
    if source_port in servers and destination_port not in servers:
        return Ends(destination, destination_port, source, source_port)
    return Ends(source, source_port, destination, destination_port)


def _sister(said: Said, ends: Ends) -> Said:
    """Multicast and link-local name resolution are protocols of their own here."""
    if said.message.protocol != "dns":
        return said
    name = protocol_name("dns", ends.b_port or 0)
    return said if name == "dns" else said._replace(message=said.message._replace(protocol=name))
