"""The devices of the sample plant: each role runs real protocol software in the namespace of its host.

``python sample_devices.py ROLE ARGUMENT...``; the recorder starts it. The software comes from the dependency group ``sample``.
It must never be run outside a namespace: it listens on every address of its host.
"""

from __future__ import annotations

import asyncio
import http.server
import itertools
import math
import socket
import socketserver
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

BROKER = "broker.plant.example"
_POLL = 2.0
"""Seconds between two polls of the operator station."""
_MULTICAST_DNS, _MULTICAST_SSDP = ("224.0.0.251", 5353), ("239.255.255.250", 1900)


def controller(vendor: str, product: str, model: str) -> None:
    """A Modbus controller that says who it is (Modbus application protocol, 6.21)."""
    from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext  # noqa: PLC0415 - only this role needs it
    from pymodbus.pdu.device import ModbusDeviceIdentification  # noqa: PLC0415 - same
    from pymodbus.server import StartTcpServer  # noqa: PLC0415 - same

    identity = ModbusDeviceIdentification(
        info_name={"VendorName": vendor, "ProductCode": product, "MajorMinorRevision": "4.2", "ModelName": model}
    )
    registers = [200 + 7 * at % 90 for at in range(64)]
    context = ModbusDeviceContext(
        di=ModbusSequentialDataBlock(1, [True, False] * 16),
        co=ModbusSequentialDataBlock(1, [False] * 32),
        hr=ModbusSequentialDataBlock(1, registers),
        ir=ModbusSequentialDataBlock(1, registers),
    )
    StartTcpServer(context=ModbusServerContext(devices=context, single=True), identity=identity, address=("0.0.0.0", 502))  # noqa: S104 - the host is a namespace


def operator_station(*controllers: str) -> None:
    """Polls its controllers, writes the setpoint of the first now and then, and looks at the camera's page."""
    from pymodbus.client import ModbusTcpClient  # noqa: PLC0415 - only this role needs it

    clients = [ModbusTcpClient(address, timeout=2) for address in controllers]
    for client in clients:
        client.connect()
        client.read_device_information(read_code=1, object_id=0)
    for turn in itertools.count():
        for client in clients:
            client.read_holding_registers(0, count=10)
            if turn % 3 == 0:
                client.read_coils(0, count=16)
            if turn % 5 == 0:
                client.read_input_registers(20, count=4)
        if turn % 8 == 4:
            clients[0].write_register(5, 500 + turn % 50)
        if turn % 15 == 1:
            _status_page("camera-gate")
        time.sleep(_POLL)


def _status_page(host: str) -> None:
    subprocess.run(
        ["busybox", "wget", "-q", "-O", "-", f"http://{host}.plant.example/status.html"], check=False, stdout=subprocess.DEVNULL
    )


def sensor(name: str, middle: str, quality: str, seconds: str, authority: str = "") -> None:
    """Publishes a number every few ``seconds``; with ``authority`` (a certificate file) over TLS and with a password."""
    from paho.mqtt.client import Client  # noqa: PLC0415 - only this role needs it
    from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415 - same

    client = Client(CallbackAPIVersion.VERSION2, client_id=name)
    if authority:
        client.username_pw_set(name, "for-the-sample-only")
        client.tls_set(authority, tls_version=ssl.PROTOCOL_TLS_CLIENT)
    client.connect(BROKER, 8883 if authority else 1883, keepalive=30)
    client.loop_start()
    for turn in itertools.count():
        value = float(middle) * (1 + 0.02 * math.sin(turn / 9))
        client.publish(f"plant/line1/{name}", f"{value:.2f}", qos=int(quality))
        time.sleep(float(seconds))


def collector() -> None:
    """Subscribes to all telemetry, as the store of measurements does."""
    from paho.mqtt.client import Client  # noqa: PLC0415 - only this role needs it
    from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415 - same

    client = Client(CallbackAPIVersion.VERSION2, client_id="historian")
    client.connect(BROKER, 1883, keepalive=30)
    client.subscribe("plant/line1/furnace-temperature", qos=0)
    client.loop_forever()


def opcua_server() -> None:
    """An OPC UA server with three variables."""
    from asyncua import Server  # noqa: PLC0415 - only this role needs it

    async def serve() -> None:
        server = Server()
        await server.init()
        server.set_endpoint("opc.tcp://0.0.0.0:4840/press/")
        server.set_server_name("Press controller")
        space = await server.register_namespace("urn:plant.example:press")
        press = await server.nodes.objects.add_object(space, "Press")
        values = [await press.add_variable(space, name, 10.0) for name in ("Force", "Stroke", "Temperature")]
        async with server:
            for turn in itertools.count():
                for at, value in enumerate(values):
                    await value.write_value(10.0 * (at + 1) + turn % 7)
                await asyncio.sleep(1)

    asyncio.run(serve())


def opcua_client(address: str) -> None:
    """Reads the press's variables again and again."""
    from asyncua import Client  # noqa: PLC0415 - only this role needs it

    async def read() -> None:
        async with Client(f"opc.tcp://{address}:4840/press/") as client:
            space = await client.get_namespace_index("urn:plant.example:press")
            press = await client.nodes.objects.get_child(f"{space}:Press")
            values = await press.get_children()
            while True:
                await client.read_values(values)
                await asyncio.sleep(4)

    asyncio.run(read())


def coap_sensor() -> None:
    """A CoAP server with one resource, a level."""
    from aiocoap import Context, Message, resource  # noqa: PLC0415 - only this role needs it

    turns = itertools.count()

    async def level(request: object) -> object:  # noqa: ARG001 - the shape the library calls
        return Message(payload=f"{61.5 + next(turns) % 9 / 10:.1f}".encode())

    async def serve() -> None:
        tank = resource.Resource()
        tank.render_get = level
        site = resource.Site()
        site.add_resource(["tank", "level"], tank)
        await Context.create_server_context(site, bind=(socket.gethostbyname("tank-level.plant.example"), 5683))
        await asyncio.Event().wait()

    asyncio.run(serve())


def coap_reader(address: str) -> None:
    """Asks the CoAP sensor for its level."""
    from aiocoap import GET, Context, Message  # noqa: PLC0415 - only this role needs it

    async def read() -> None:
        context = await Context.create_client_context()
        while True:
            await context.request(Message(code=GET, uri=f"coap://{address}/tank/level")).response
            await asyncio.sleep(7)

    asyncio.run(read())


class _StatusPage(http.server.BaseHTTPRequestHandler):
    server_version = "App-webs/"
    sys_version = ""
    page = b"<html><head><title>DS-2CD2042WD-I</title></head><body>Network camera: streaming, 1 client.</body></html>\n"

    def do_GET(self) -> None:
        """The status page, whatever is asked for."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.page)))
        self.end_headers()
        self.wfile.write(self.page)


class _Telnet(socketserver.BaseRequestHandler):
    program = ""

    def handle(self) -> None:
        """The system's Telnet daemon on this connection."""
        subprocess.run(
            ["telnetd", "-h", "-E", self.program],
            stdin=self.request.fileno(),
            stdout=self.request.fileno(),
            stderr=subprocess.DEVNULL,
            check=False,
        )


class _Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def camera(address: str, login: str) -> None:
    """A camera: status page, announcements, and a Telnet daemon that was never turned off."""
    import threading  # noqa: PLC0415 - only this role needs it

    _Telnet.program = login
    servers = (_Threads((address, 80), _StatusPage), _Threads((address, 23), _Telnet))
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sender.bind((address, 5353))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        while True:
            sender.sendto(_announcement(address), _MULTICAST_DNS)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
                plain.bind((address, 0))
                plain.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
                plain.sendto(_alive(address), _MULTICAST_SSDP)
            time.sleep(30)


def _announcement(address: str) -> bytes:
    """An unsolicited mDNS response (RFC 6762, section 8.3) that announces the page as a service."""
    from dnslib import PTR, QTYPE, RR, SRV, TXT, A, DNSHeader, DNSRecord  # noqa: PLC0415 - only this role needs it

    service, name, host = "_http._tcp.local", "HIKVISION DS-2CD2042WD-I._http._tcp.local", "camera-gate.local"
    record = DNSRecord(DNSHeader(id=0, qr=1, aa=1, ra=0, rd=0))
    record.add_answer(RR(service, QTYPE.PTR, ttl=4500, rdata=PTR(name)))
    record.add_answer(RR(name, QTYPE.SRV, rclass=0x8001, ttl=120, rdata=SRV(0, 0, 80, host)))
    record.add_answer(RR(name, QTYPE.TXT, rclass=0x8001, ttl=4500, rdata=TXT("path=/status.html")))
    record.add_answer(RR(host, QTYPE.A, rclass=0x8001, ttl=120, rdata=A(address)))
    packed: bytes = record.pack()
    return packed


def _alive(address: str) -> bytes:
    kind = "urn:schemas-upnp-org:device:DigitalSecurityCamera:1"
    lines = (
        "NOTIFY * HTTP/1.1",
        "HOST: 239.255.255.250:1900",
        "CACHE-CONTROL: max-age=1800",
        f"LOCATION: http://{address}/upnpdevicedesc.xml",
        f"NT: {kind}",
        "NTS: ssdp:alive",
        "SERVER: Linux/3.0.8 UPnP/1.0 DS-2CD2042WD-I/5.4.5",
        f"USN: uuid:5a2b1c3d-0000-1000-8000-4419b6200060::{kind}",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def camera_login() -> None:
    """What the camera's Telnet daemon starts: asks for name and password, and gives a poor shell to whoever knows the default."""
    print("camera-gate", flush=True)
    while True:
        name = input("login: ")
        subprocess.run(["stty", "-echo"], check=True)
        word = input("Password: ")
        subprocess.run(["stty", "echo"], check=True)
        print(flush=True)
        if (name, word) == ("admin", "12345"):
            break
        time.sleep(0.3)
        print("Login incorrect", flush=True)
    answers = {"uname -a": "Linux camera-gate 3.0.8 armv5tejl GNU/Linux", "id": "uid=0(root) gid=0(root)"}
    while (line := input("# ")) != "exit":
        print(answers.get(line, ""), flush=True)


ROLES: dict[str, Callable[..., None]] = {
    role.__name__: role
    for role in (
        controller, operator_station, sensor, collector, opcua_server, opcua_client, coap_sensor, coap_reader, camera, camera_login,
    )
}  # fmt: skip

if __name__ == "__main__":
    sys.path = [entry for entry in sys.path if entry != str(Path(__file__).parent)]
    ROLES[sys.argv[1]](*sys.argv[2:])
