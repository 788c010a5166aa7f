"""Whose services a device uses: names asked of name servers and in TLS (vendor clouds), by domain suffix.

A person's computer or phone visits the same clouds as a device of the vendor, and much else: where many unrelated domains were
asked, each says less. Must never speak for a host that asks on behalf of others (a resolver, a router).
"""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.inventory.clues.interface import Clue, Dossier
from hauberk.inventory.clues.makers import weights
from hauberk.model.hint import HintKey

_ROWS = """
dlink.com D-Link iot_device:.3
dch.dlink.com D-Link sensor:.35 smart_plug:.2 hub:.15 siren:.15
mydlink.com D-Link camera:.5 smart_plug:.2
tplinkcloud.com TP-Link smart_plug:.45 light:.2 smart_switch:.1
tplinkra.com TP-Link smart_plug:.35 light:.2
tplinknbu.com TP-Link camera:.3 smart_plug:.3
myedimax.com Edimax smart_plug:.45 camera:.3
edimax.com Edimax camera:.3 smart_plug:.3
meethue.com Philips hub:.6
cpp.philips.com Philips hub:.4 light:.1
ecdinterface.philips.com Philips hub:.4 light:.1
xbcs.net Belkin smart_plug:.5 smart_switch:.25
lswf.net Belkin smart_plug:.6
insight.lswf.net Belkin smart_plug:.75
wemo2.com Belkin smart_plug:.5
homematic.com eQ-3 hub:.6
eq-3.de eQ-3 hub:.6
max.eq-3.de eQ-3 hub:.8
fitbit.com Fitbit scale:.5 wearable:.25
withings.net Withings scale:.6
withings.com Withings scale:.5
smarter.am Smarter appliance:.8
ring.com Ring doorbell:.45 camera:.4
ring.devices.a2z.com Ring doorbell:.45 camera:.4
immedia-semi.com Blink camera:.75
blinkforhome.com Blink camera:.7
wyze.com Wyze camera:.5
wyzecam.com Wyze camera:.7
arlo.com Arlo camera:.7
arloxcld.com Arlo camera:.75
netgear.com Netgear router:.3 camera:.1
nest.com Google_Nest thermostat:.4 camera:.35
dropcam.com Google_Nest camera:.75
ecobee.com ecobee thermostat:.85
tado.com tado thermostat:.7
honeywell.com Honeywell thermostat:.4
alarmnet.com Honeywell thermostat:.4 sensor:.2
netatmo.net Netatmo sensor:.5 camera:.2
irobotapi.com iRobot vacuum:.85
irobot.com iRobot vacuum:.7
roborock.com Roborock vacuum:.85
ecovacs.com Ecovacs vacuum:.85
dyson.com Dyson appliance:.7
home-connect.com BSH appliance:.85
miele.com Miele appliance:.85
lgthinq.com LG appliance:.5 tv:.2
lgtvsdp.com LG tv:.9
lgsmartad.com LG tv:.85
samsungcloudsolution.com Samsung tv:.75
samsungcloudsolution.net Samsung tv:.75
samsungotn.net Samsung tv:.8
samsungelectronics.com Samsung tv:.5
samsungacr.com Samsung tv:.85
samsungiots.com Samsung appliance:.4 hub:.2
smartthings.com SmartThings hub:.6
connectsmartthings.com SmartThings hub:.85
lockly.com Lockly lock:.5 hub:.35
apiserver.lockly.com Lockly lock:.5 hub:.35
allegion.com Schlage lock:.75
schlage.com Schlage lock:.75
august.com August lock:.7
yalehome.com Yale lock:.75
kwikset.com Kwikset lock:.75
weiserhome.com Weiser lock:.7
chamberlain.com Chamberlain lock:.35 hub:.35
myqdevice.com Chamberlain lock:.35 hub:.35
rachio.com Rachio appliance:.75
lifx.co LIFX light:.9
lifx.com LIFX light:.85
yeelight.com Yeelight light:.85
wizconnected.com WiZ light:.9
nanoleaf.me Nanoleaf light:.85
tuyaus.com Tuya smart_plug:.3 light:.2 iot_device:.4
tuyaeu.com Tuya smart_plug:.3 light:.2 iot_device:.4
tuyacn.com Tuya smart_plug:.3 light:.2 iot_device:.4
tuya.com Tuya iot_device:.4
meross.com Meross smart_plug:.6
ibroadlink.com BroadLink hub:.5 smart_plug:.3
coolkit.cc Sonoff smart_switch:.6
itead.cn Sonoff smart_switch:.5
shelly.cloud Shelly smart_switch:.5 smart_plug:.25
mi.com Xiaomi iot_device:.3 phone:.2
io.mi.com Xiaomi iot_device:.5
aqara.com Aqara hub:.6
ewelink.cc Sonoff smart_switch:.5
wink.com Wink hub:.8
insteon.com Insteon hub:.75
hubitat.com Hubitat hub:.85
lutron.com Lutron hub:.7
nabucasa.com Home_Assistant hub:.7
home-assistant.io Home_Assistant hub:.7
sonos.com Sonos speaker:.85
ws.sonos.com Sonos speaker:.9
bose.com Bose speaker:.8
bose.io Bose speaker:.8
roku.com Roku media_player:.75 tv:.15
device-metrics-us.amazon.com Amazon voice_assistant:.35 media_player:.3
device-metrics-us-2.amazon.com Amazon voice_assistant:.35 media_player:.3
avs-alexa-na.amazon.com Amazon voice_assistant:.7
avs-alexa-4-na.amazon.com Amazon voice_assistant:.75
bob-dispatch-prod-na.amazon.com Amazon voice_assistant:.75
dcape-na.amazon.com Amazon voice_assistant:.65
unagi-na.amazon.com Amazon voice_assistant:.25 media_player:.25
alexa.amazon.com Amazon voice_assistant:.4
api.amazonalexa.com Amazon voice_assistant:.3
amazonvideo.com Amazon media_player:.35
vizio.com Vizio tv:.8
tvinteractive.tv Vizio tv:.8
tvpixel.com Vizio tv:.6
sonyentertainmentnetwork.com Sony game_console:.4 tv:.2
playstation.net Sony game_console:.85
playstation.com Sony game_console:.6
xboxlive.com Microsoft game_console:.6 computer:.1
nintendo.net Nintendo game_console:.85
nintendo.com Nintendo game_console:.6
itunes.apple.com Apple phone:.2 computer:.2
push.apple.com Apple phone:.3 computer:.2 tablet:.1
icloud.com Apple phone:.3 computer:.25
captive.apple.com Apple phone:.3 computer:.2
clients3.google.com Google phone:.2 media_player:.1
connectivitycheck.gstatic.com Google phone:.3 media_player:.1
android.clients.google.com Google phone:.45 tablet:.1
mtalk.google.com Google phone:.4
cast.google.com Google media_player:.5 speaker:.2
clients.google.com Google phone:.2
msftconnecttest.com Microsoft computer:.6
msftncsi.com Microsoft computer:.6
windowsupdate.com Microsoft computer:.6
update.microsoft.com Microsoft computer:.55
settings-win.data.microsoft.com Microsoft computer:.65
ubuntu.com Canonical computer:.4 server:.2
debian.org Debian computer:.3 server:.25
raspberrypi.org Raspberry_Pi computer:.5
hicloud.com Huawei phone:.5
samsungosp.com Samsung phone:.55
samsungdm.com Samsung phone:.5
hik-connect.com Hikvision camera:.7 video_recorder:.2
hikvision.com Hikvision camera:.6 video_recorder:.2
ezvizlife.com EZVIZ camera:.75
dahuasecurity.com Dahua camera:.6 video_recorder:.2
easy4ip.com Dahua camera:.7
reolink.com Reolink camera:.85
myfoscam.org Foscam camera:.85
myfoscam.com Foscam camera:.85
amcrestcloud.com Amcrest camera:.85
eufylife.com Eufy camera:.6 doorbell:.15
anker.com Eufy camera:.2
kami.com Yi camera:.7
xiaoyi.com Yi camera:.85
canary.is Canary camera:.9
nanit.com Nanit camera:.9
owletcare.com Owlet camera:.5 sensor:.3
simplisafe.com SimpliSafe hub:.5 sensor:.3
axis.com Axis camera:.7
verkada.com Verkada camera:.9
iotcplatform.com ThroughTek camera:.7
kalayservice.com ThroughTek camera:.7
p2pcam.com ThroughTek camera:.6
hpeprint.com HP printer:.85
hpsmart.com HP printer:.6
brother.com Brother printer:.5
epsonconnect.com Epson printer:.8
synology.com Synology storage:.75
quickconnect.to Synology storage:.7
qnap.com QNAP storage:.75
myqnapcloud.com QNAP storage:.8
plex.tv Plex media_player:.3 server:.25
ui.com Ubiquiti access_point:.5
ubnt.com Ubiquiti access_point:.5
mikrotik.com MikroTik router:.6
fortinet.net Fortinet firewall:.7
meraki.com Cisco_Meraki access_point:.6
enphaseenergy.com Enphase inverter:.85
solaredge.com SolarEdge inverter:.85
sma.de SMA inverter:.8
fronius.com Fronius inverter:.8
teslamotors.com Tesla vehicle_charger:.4 inverter:.3
chargepoint.com ChargePoint vehicle_charger:.85
wallbox.com Wallbox vehicle_charger:.85
peloton.com Peloton appliance:.6
onepeloton.com Peloton appliance:.6
petnet.io Petnet appliance:.85
particle.io Particle iot_device:.6
azure-devices.net - iot_device:.35
iot.us-east-1.amazonaws.com - iot_device:.3
"""


def _table() -> dict[str, tuple[str, dict[str, float]]]:
    rows: dict[str, tuple[str, dict[str, float]]] = {}
    for line in _ROWS.strip().splitlines():
        domain, vendor, *kinds = line.split()
        rows[domain] = ("" if vendor == "-" else vendor.replace("_", " "), weights(" ".join(kinds)))
    return rows


_TABLE = _table()
_FOCUSED, _SPREAD = 12, 40
"""Distinct registered domains up to which a device looks single-minded, and from which it looks like a person's."""
_PERSON = 0.25


def lookup(name: str) -> tuple[str, str, dict[str, float]] | None:
    """The longest known suffix of a name: domain, vendor, kinds."""
    labels = name.rstrip(".").casefold().split(".")
    for at in range(max(0, len(labels) - 5), len(labels) - 1):
        domain = ".".join(labels[at:])
        row = _TABLE.get(domain)
        if row is not None:
            return domain, *row
    return None


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What the names it asked for say."""
    if dossier.router or dossier.clients > 1:
        return
    names = dossier.values(HintKey.SNI)
    sites = {".".join(name.rstrip(".").split(".")[-2:]) for name in names}
    trust = 1.0 if len(sites) <= _FOCUSED else 0.5 if len(sites) <= _SPREAD else 0.2
    if len(sites) > _SPREAD:
        yield Clue(f"It asked for {len(sites)} unrelated domains, as people do.", {"computer": _PERSON, "phone": _PERSON})
    told: set[str] = set()
    for name in names:
        found = lookup(name)
        if found is None or found[0] in told:
            continue
        domain, vendor, kinds = found
        told.add(domain)
        if vendor or kinds:
            yield Clue(
                f"It uses {domain}.",
                {kind: weight * trust for kind, weight in kinds.items()},
                vendor or None,
                0.65 * trust if vendor else 0.0,
            )
