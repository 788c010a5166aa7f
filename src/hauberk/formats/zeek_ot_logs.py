"""Zeek's logs of protocols that operate machines: modbus and dnp3 of its own scripts, modbus_detailed, s7comm, cip, enip and bacnet
of the ICSNPP parsers.

Logs that tell of the same messages again from another side (dnp3_control, dnp3_objects, bacnet_property ...) are not read: each
message is counted once. modbus_detailed repeats modbus.log with addresses: give one of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hauberk.errors import InputError
from hauberk.formats import protocol_messages as messages
from hauberk.formats import protocol_words as words
from hauberk.formats.log_message import Said
from hauberk.formats.log_record import MOST_ITEMS, Record, snake
from hauberk.model.transaction import OK, Message, Role, Scalar, Value

_FUNCTION_BY_NAME = {name: code for code, name in words.MODBUS_FUNCTIONS.items()} | {
    "report_slave_id": 17,
    "program_584_984": 13,
    "poll_584_984": 14,
    "program_884_u84": 18,
    "reset_comm_link_884_u84": 19,
    "encap_interface_transport": 43,
    "program_584_984_2": 126,
}
"""Function code by name, with the names that are Zeek's own (which gives 13 and 14 those of an older controller)."""
_DNP3_BY_NAME = {name: code for code, name in words.DNP3_FUNCTIONS.items()} | {
    "immediate_freeze": 7,
    "immediate_freeze_nr": 8,
    "freeze_and_clear": 9,
    "freeze_and_clear_nr": 10,
    "freeze_with_time": 11,
    "freeze_with_time_nr": 12,
    "assign_class": 22,
    "authenticate_req": 32,
    "authenticate_err": 33,
    "authenticate_resp": 131,
    "activate_config": 31,
    "delay_measure": 23,
    "save_config": 19,
    "start_appl": 17,
    "stop_appl": 18,
    "initialize_appl": 16,
}
_UNKNOWN = "unknown-"


def _modbus_code(name: str) -> int:
    """The function code behind ``READ_COILS``, ``READ_COILS_EXCEPTION`` or ``unknown-29``."""
    if name.startswith(_UNKNOWN) and name[len(_UNKNOWN) :].isdigit():
        return int(name[len(_UNKNOWN) :]) & 0xFF
    code = _FUNCTION_BY_NAME.get(snake(name).removesuffix("_exception"))
    if code is None:
        raise InputError("an unknown Modbus function")
    return code


def _modbus(record: Record) -> Iterator[Said]:
    """modbus.log. Without ``pdu_type`` (before Zeek 6) a line is a request, which an exception has answered."""
    name = record.text("func")
    if name is None:
        raise InputError("no Modbus function")
    code = _modbus_code(name)
    exception = record.text("exception")
    place = messages.modbus_place(record.whole("unit"), code, None, None)
    kind = record.text("pdu_type")
    if kind is None or kind.startswith("REQ"):
        yield messages.modbus(asks=True, code=code, place=place)
    if (kind is None and exception is not None) or (kind is not None and not kind.startswith("REQ")):
        yield messages.modbus(asks=False, code=code, place=place, exception=exception)


def _modbus_detailed(record: Record) -> Iterator[Said]:
    """modbus_detailed.log of ICSNPP: one line for a request, a response, or both."""
    name = record.text("func")
    if name is None:
        raise InputError("no Modbus function")
    code = _modbus_code(name)
    place = messages.modbus_place(record.whole("unit"), code, record.whole("address"), record.whole("quantity"))
    kind = (record.text("request_response") or "").upper()
    exception = record.text("exception", "exception_code")
    whole = not kind or "matched" in record
    if kind.startswith("REQ") or whole:
        yield messages.modbus(asks=True, code=code, place=place, value=_numbers(record, "request_values", "values"))
    if kind.startswith("RESP") or (whole and record.flag("matched")):
        value = _numbers(record, "response_values", "values")
        yield messages.modbus(asks=False, code=code, place=place, value=value, exception=exception)


def _numbers(record: Record, *names: str) -> Value:
    """Values in a list, as numbers where they are."""
    for name in names:
        found: list[Scalar] = [messages.payload_scalar(value) for value in record.many(name)[:MOST_ITEMS]]
        if found:
            return tuple(found)
    return None


def _dnp3(record: Record) -> Iterator[Said]:
    """dnp3.log: a request, a response, or both. Zeek holds the first octet of the indications in the high byte."""
    request, reply = record.text("fc_request"), record.text("fc_reply")
    if request is not None:
        yield messages.dnp3(asks=True, code=_dnp3_code(request))
    if reply is not None:
        word = record.count("iin", 0xFFFF)
        yield messages.dnp3(asks=False, code=_dnp3_code(reply), indications=word >> 8 | (word & 0xFF) << 8)


def _dnp3_code(name: str) -> int:
    code = _DNP3_BY_NAME.get(snake(name))
    if code is None:
        raise InputError("an unknown DNP3 function")
    return code


def _outward(record: Record) -> bool:
    """Whether the initiator sent the message (``is_orig``)."""
    return record.flag("is_orig") is not False


def _s7comm(record: Record) -> Iterator[Said]:
    """s7comm.log: jobs, their acknowledgements, and user data."""
    outward = _outward(record)
    kind = record.whole("rosctr_code")
    function = record.whole("function_code")
    if kind == 7:
        yield _s7_user_data(record, outward, function or 0)
        return
    if kind not in {1, 2, 3}:
        raise InputError("an unknown kind of S7comm message")
    role: Role = "request" if kind == 1 else "response"
    status = OK if role == "request" else _s7_status(record)
    if function is None:
        yield Said(outward, Message("s7comm", role, "ack", None, None, None, status))
        return
    operation = words.S7_FUNCTIONS.get(function) or f"function_0x{function:02x}"
    place = record.text("subfunction_code") if function == 0x28 else None
    yield Said(outward, Message("s7comm", role, operation, function, place, None, status, function in words.S7_WRITES))


def _s7_user_data(record: Record, outward: bool, kind: int) -> Said:  # noqa: FBT001 - a direction has two values
    service = (kind & 0x0F, record.whole("subfunction_code") or 0)
    role: Role = "request" if kind >> 4 == 4 else "response" if kind >> 4 == 8 else "event"
    operation = words.S7_SERVICES.get(service) or snake(record.text("subfunction_name") or "user_data")
    status = OK if role == "request" else _s7_status(record)
    return Said(outward, Message("s7comm", role, operation, None, None, None, status, service in words.S7_SERVICE_WRITES))


def _s7_status(record: Record) -> str:
    code = record.whole("error_code") or 0
    name = snake(record.text("error_class") or "")
    if not code and name in {"", "no_error"}:
        return OK
    return words.S7_ERRORS.get(code) or name or f"error_0x{code:04x}"


def _cip(record: Record) -> Iterator[Said]:
    """cip.log: each service once."""
    code = record.whole("cip_service_code")
    if code is None:
        raise InputError("no CIP service")
    asks = (record.text("direction") or "request") == "request"
    code &= 0x7F
    operation = snake((record.text("cip_service") or "").removesuffix(" Service")) or f"service_0x{code:02x}"
    status = OK
    if not asks and record.whole("cip_status_code"):
        status = snake(record.text("cip_status") or "") or "error"
    write = code in words.CIP_WRITES or operation in words.CIP_WRITE_OPERATIONS
    role: Role = "request" if asks else "response"
    yield Said(_outward(record), Message("cip", role, operation, code, _cip_place(record), None, status, write))


def _cip_place(record: Record) -> str | None:
    """``class/instance/attribute``, the class by name where it has one."""
    number = record.whole("class_id")
    if number is None:
        return None
    name = snake(record.text("class_name") or "")
    parts = [name if name and name != "unknown" else f"0x{number:02x}"]
    for field in ("instance_id", "attribute_id"):
        value = record.whole(field)
        if value is None:
            break
        parts.append(str(value))
    return "/".join(parts)


def _enip(record: Record) -> Iterator[Said]:
    """enip.log: commands that carry no CIP."""
    command = record.whole("enip_command_code", "command_code")
    if command is None:
        raise InputError("no EtherNet/IP command")
    if command in words.ENIP_CARRIERS:
        return
    outward = _outward(record)
    operation = words.ENIP_COMMANDS.get(command) or f"command_0x{command:04x}"
    status = snake(record.text("enip_status", "status") or "")
    role: Role = "request" if outward else "response"
    yield Said(outward, Message("enip", role, operation, command, None, None, OK if status in {"", "success"} else status))


def _bacnet(record: Record) -> Iterator[Said]:
    """bacnet.log: application PDUs, and virtual link functions without one."""
    outward = _outward(record)
    kind = snake(record.text("pdu_type") or "").removesuffix("_pdu")
    service = snake(record.text("pdu_service") or "")
    if not kind:
        yield Said(outward, Message("bacnet", "event", snake(record.text("bvlc_function") or "") or "unknown"))
        return
    if kind == "unconfirmed_request":
        code = words.BACNET_UNCONFIRMED.index(service) if service in words.BACNET_UNCONFIRMED else None
        role: Role = "event" if code in words.BACNET_EVENTS else "request"
        write = code in words.BACNET_UNCONFIRMED_WRITES
        yield Said(outward, Message("bacnet", role, service or "unconfirmed_service", code, None, None, OK, write))
        return
    code = words.BACNET_CONFIRMED.index(service) if service in words.BACNET_CONFIRMED else None
    result = snake(record.text("result_code") or "")
    status = OK
    if kind in {"error", "reject", "abort"}:
        status = result if kind == "error" and result else f"{kind}_{result}" if result else kind
    role = "request" if kind == "confirmed_request" else "response"
    operation = service if code is not None else kind
    yield Said(outward, Message("bacnet", role, operation, code, None, None, status, code in words.BACNET_CONFIRMED_WRITES))


OT_LOGS: dict[str, Callable[[Record], Iterable[Said]]] = {
    "modbus": _modbus,
    "modbus_detailed": _modbus_detailed,
    "dnp3": _dnp3,
    "s7comm": _s7comm,
    "cip": _cip,
    "enip": _enip,
    "bacnet": _bacnet,
}
"""What reads the lines of a log, by its path."""
