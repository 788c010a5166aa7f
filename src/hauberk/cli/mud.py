"""``hauberk mud``: Manufacturer Usage Descriptions (RFC 8520) learned, judged against, and proofread."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hauberk.cli.complaint import complain, say
from hauberk.cli.exit_code import ExitCode
from hauberk.cli.format import Format, FormatOption, chosen, write_lines
from hauberk.errors import InputError, SettingError

if TYPE_CHECKING:
    from hauberk.detect.mud_policies import MudPolicies
    from hauberk.formats.mud import Loaded
    from hauberk.service.feed import Feed
    from hauberk.service.mud import Behaviour, Conformance

app = typer.Typer(
    help="MUD files (RFC 8520): what a device is meant to talk to. Learn one, judge traffic by one, proofread one.",
    epilog="Example: hauberk mud learn week.pcapng --ip 192.168.1.20 --out camera.json",
    no_args_is_help=True,
)

SourceArgument = Annotated[
    list[str],
    typer.Argument(metavar="SOURCE...", help="Captures (pcap, pcapng, also .gz .xz .zst), Zeek or EVE logs, folders, or - ."),
]
FileArgument = Annotated[Path, typer.Argument(metavar="MUDFILE", help="A MUD file.")]
DeviceOption = Annotated[str | None, typer.Option("--device", metavar="ID", help="The device, by the id 'hauberk inspect' shows.")]
MacOption = Annotated[str | None, typer.Option("--mac", metavar="MAC", help="The device, by a hardware address.")]
IpOption = Annotated[str | None, typer.Option("--ip", metavar="ADDRESS", help="The device, by an IP address.")]
KindOption = Annotated[str | None, typer.Option("--kind", metavar="KIND", help="All devices of a kind, such as camera.")]
LenientOption = Annotated[bool, typer.Option("--lenient", help="Repair what has one sensible reading; every repair is told.")]
MudOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mud",
        metavar="WHO=FILE",
        help="A MUD file, and whom it is for: the id, MAC, IP address or kind of a device. May be given again.",
    ),
]
_SHOWN = 20
_MAC = re.compile(r"(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}")


@app.callback()
def group() -> None:
    """MUD files (RFC 8520): what a device is meant to talk to. Learn one, judge traffic by one, proofread one."""


@app.command(name="learn", epilog="Example: hauberk mud learn week.pcapng --ip 192.168.1.20 --out camera.json")
def learn(
    source: SourceArgument,
    *,
    device: DeviceOption = None,
    mac: MacOption = None,
    ip: IpOption = None,
    kind: KindOption = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="Learn also from what an earlier run learned and saved.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Where the file will be published.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there, not to standard output.")] = None,
) -> None:
    """Write a MUD file from what a device, or all devices of a kind, did. Read it before you publish it."""
    from hauberk.cli.baseline_file import read_baseline  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.cli.plain_file import write_whole  # noqa: PLC0415 - same
    from hauberk.formats.mud import dump  # noqa: PLC0415 - same
    from hauberk.service.mud import Choice, choose, learn_file  # noqa: PLC0415 - same

    known = read_baseline(baseline)
    behaviour, feed = _observed(source)
    if known is not None:
        behaviour.adopt(known)
    devices = choose(behaviour.inventory.devices(), Choice(device, mac, ip, kind), behaviour.inventory)
    learned = learn_file(behaviour, devices, url)
    if not learned.conversations:
        raise InputError(f"{feed.name}: {devices[0].id} held no conversation to learn from")
    content = dump(learned.file)
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_whole(out, content, "the MUD file")
        entries = sum(len(item.entries) for item in learned.file.lists)
        say(f"{out}: {entries} entries from {len(learned.conversations)} kinds of talk")
    for conversation in learned.left_out[:_SHOWN]:
        say(f"left out, never answered: {_told(conversation)}")
    if len(learned.left_out) > _SHOWN:
        say(f"and {len(learned.left_out) - _SHOWN:,} more were left out")
    _leave(_problems(feed))


@app.command(name="check", epilog="Example: hauberk mud check camera.json today.pcapng --ip 192.168.1.20 --format json")
def check(  # noqa: PLR0913 - one parameter an option
    mudfile: FileArgument,
    source: SourceArgument,
    *,
    device: DeviceOption = None,
    mac: MacOption = None,
    ip: IpOption = None,
    kind: KindOption = None,
    controller: Annotated[
        list[str] | None,
        typer.Option("--controller", metavar="URI=ADDRESS", help="An address that a URI of the file stands for."),
    ] = None,
    my_controller: Annotated[
        list[str] | None, typer.Option("--my-controller", metavar="ADDRESS", help="An address of the device's own controller.")
    ] = None,
    lenient: LenientOption = False,
    output: FormatOption = None,
) -> None:
    """Say whether devices keep to a MUD file. Exit code 1 means that some did not."""
    from hauberk.detect.mud import Policy  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.service.mud import Choice, choose, conformance_record  # noqa: PLC0415 - same
    from hauberk.service.mud import check as judge  # noqa: PLC0415 - same

    loaded = read_mud(mudfile, lenient=lenient)
    policy = Policy.of(loaded.file, _controllers(controller or []), [_address(address) for address in my_controller or []])
    behaviour, feed = _observed(source)
    devices = choose(behaviour.inventory.devices(), Choice(device, mac, ip, kind), behaviour.inventory)
    found = [judge(behaviour, one, policy) for one in devices]
    if chosen(output) is Format.JSON:
        write_lines(conformance_record(one, len(loaded.repairs)) for one in found)
    else:
        for one in found:
            _print(one, len(loaded.repairs))
    code = _problems(feed)
    if code is ExitCode.CLEAN and not all(one.conforms for one in found):
        code = ExitCode.FINDINGS
    _leave(code)


@app.command(name="lint", epilog="Example: hauberk mud lint camera.json --format json")
def lint(
    mudfile: FileArgument,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the repaired file there.")] = None,
    output: FormatOption = None,
) -> None:
    """Say what is wrong with a MUD file, and what a lenient reading would make of it. Exit code 1 means problems."""
    from hauberk.cli.plain_file import write_whole  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.formats.mud import dump, load  # noqa: PLC0415 - same
    from hauberk.formats.mud_reading import MudError, Problem, Repair  # noqa: PLC0415 - same

    content = _content(mudfile)
    problems: tuple[Problem, ...] = ()
    remaining: tuple[Problem, ...] = ()
    repairs: tuple[Repair, ...] = ()
    file = None
    try:
        file = load(content).file
    except MudError as error:
        problems = error.problems
        try:
            file, repairs = load(content, lenient=True)
        except MudError as rest:
            remaining = rest.problems
    if out is not None and file is not None:
        write_whole(out, dump(file), "the MUD file")
    if chosen(output) is Format.JSON:
        write_lines(
            [
                {
                    "file": str(mudfile),
                    "valid": not problems,
                    "repairable": not remaining,
                    "problems": [problem._asdict() for problem in problems],
                    "repairs": [repair._asdict() for repair in repairs],
                }
            ]
        )
    else:
        _write(f"{mudfile}: " + ("valid" if not problems else f"{len(problems)} problems"))
        actions = {(repair.place, repair.reason): repair.action for repair in repairs}
        for problem in problems:
            action = actions.get((problem.place, problem.reason))
            _write(f"  {problem.place}: {problem.reason}" + (f" (lenient: {action})" if action else ""))
        if remaining:
            _write("No lenient reading can repair it.")
    _leave(ExitCode.FINDINGS if problems else ExitCode.CLEAN)


def mud_policies(given: list[str] | None) -> MudPolicies:
    """The files of ``--mud`` options, by whom they are for."""
    from hauberk.detect.mud import Policy  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.detect.mud_policies import MudPolicies  # noqa: PLC0415 - same

    found: dict[str, Policy] = {}
    for pair in given or ():
        who, separator, path = pair.partition("=")
        if not separator or not who or not path:
            raise SettingError(f"--mud {pair}: give WHO=FILE, as 192.168.1.20=camera.json")
        found[who.lower().replace("-", ":") if _MAC.fullmatch(who) else who] = Policy.of(read_mud(Path(path), lenient=False).file)
    return MudPolicies(found)


def read_mud(path: Path, *, lenient: bool) -> Loaded:
    """The MUD file at ``path``; repairs are told on standard error."""
    from hauberk.formats.mud import load  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.formats.mud_reading import MudError  # noqa: PLC0415 - same

    try:
        loaded = load(_content(path), lenient=lenient)
    except MudError as error:
        raise error.of(str(path)) from None
    for repair in loaded.repairs[:_SHOWN]:
        complain(f"{path}: {repair.place}: {repair.reason}; {repair.action}")
    if len(loaded.repairs) > _SHOWN:
        complain(f"{path}: and {len(loaded.repairs) - _SHOWN:,} more repairs")
    return loaded


def _content(path: Path) -> bytes:
    from hauberk.formats.mud import LARGEST  # noqa: PLC0415 - a command loads what it needs when it runs

    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _observed(source: list[str]) -> tuple[Behaviour, Feed]:
    from hauberk.cli.progress import progress  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.service.feed import Depth, open_feed  # noqa: PLC0415 - same
    from hauberk.service.mud import Behaviour  # noqa: PLC0415 - same

    feed = open_feed(source, Depth.MESSAGES)
    behaviour = Behaviour()
    with progress(f"Reading {feed.name}", feed.size) as advance:
        behaviour.observe(feed.observations(advance))
    return behaviour, feed


def _controllers(given: list[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for pair in given:
        uri, separator, address = pair.rpartition("=")
        if not separator or not uri:
            raise SettingError(f"--controller {pair}: give URI=ADDRESS, as urn:ietf:params:mud:dns=192.168.1.1")
        found.setdefault(uri, set()).add(_address(address))
    return found


def _address(said: str) -> str:
    from ipaddress import ip_address  # noqa: PLC0415 - few commands need it

    try:
        return str(ip_address(said))
    except ValueError:
        raise SettingError(f"'{said}' is no IP address") from None


def _print(found: Conformance, repairs: int) -> None:
    device = found.device
    about = ", ".join(part for part in (device.kind, device.vendor, *device.ips[:1]) if part)
    _write(f"{device.id} ({about}): " + ("conforms" if found.conforms else f"{len(found.deviations)} deviations"))
    for rule, count in found.matched.items():
        _write(f"  {count:7,}  {rule.access_list} {rule.entry.name}")
    if found.unused:
        _write(f"        -  {len(found.unused)} entries matched nothing")
    for conversation, forbidden in found.deviations:
        _write(f"  not covered: {_told(conversation)}" + (f" (forbidden by {forbidden.entry.name})" if forbidden else ""))
    if repairs:
        _write(f"  The file was read with {repairs} repairs.")


def _told(conversation: object) -> str:
    """A conversation as a person says it."""
    from hauberk.detect.mud import Conversation  # noqa: PLC0415 - loaded by now
    from hauberk.service.mud import TRANSPORTS  # noqa: PLC0415 - same

    assert isinstance(conversation, Conversation)
    peer, talk = conversation.peer, conversation.talk
    transport = TRANSPORTS.get(peer.transport, f"protocol {peer.transport}")
    remote = f"{conversation.names[0]} ({peer.remote})" if conversation.names else peer.remote
    port = f" port {peer.port}" if peer.transport in {6, 17, 132} else ""
    way = f"{conversation.local} to {remote}" if peer.initiated else f"{remote} to {conversation.local}"
    times = max(talk.conversations, 1)
    return f"{transport} from {way}{port}, {times:,} time{'s' * (times > 1)}" + ("" if talk.answered else ", never answered")


def _write(line: str) -> None:
    from hauberk.cli.visible import visible_lines  # noqa: PLC0415 - small, but JSON needs it not

    sys.stdout.write(f"{visible_lines(line)}\n")


def _problems(feed: Feed) -> ExitCode:
    from hauberk.cli.problem import report_problems  # noqa: PLC0415 - a command loads what it needs when it runs

    return report_problems(feed)


def _leave(code: ExitCode) -> None:
    if code is not ExitCode.CLEAN:
        raise typer.Exit(code)
