"""The ATT&CK techniques that findings suggest, with the names of ATT&CK v18.1 (Enterprise and ICS)."""

from __future__ import annotations

from hauberk.model.finding import Technique

ATTACK_VERSION = "18.1"

NETWORK_SERVICE_DISCOVERY = Technique("T1046", "Network Service Discovery", "enterprise")
REMOTE_SYSTEM_DISCOVERY = Technique("T0846", "Remote System Discovery", "ics")
NETWORK_CONNECTION_ENUMERATION = Technique("T0840", "Network Connection Enumeration", "ics")
ADVERSARY_IN_THE_MIDDLE = Technique("T0830", "Adversary-in-the-Middle", "ics")
ARP_CACHE_POISONING = Technique("T1557.002", "ARP Cache Poisoning", "enterprise")
BRUTE_FORCE = Technique("T1110", "Brute Force", "enterprise")
DEFAULT_CREDENTIALS = Technique("T0812", "Default Credentials", "ics")
NETWORK_DENIAL_OF_SERVICE = Technique("T1498", "Network Denial of Service", "enterprise")
DENIAL_OF_SERVICE = Technique("T0814", "Denial of Service", "ics")
EXPLOITATION_OF_REMOTE_SERVICES = Technique("T0866", "Exploitation of Remote Services", "ics")
NETWORK_SNIFFING = Technique("T1040", "Network Sniffing", "enterprise")
INTERNET_ACCESSIBLE_DEVICE = Technique("T0883", "Internet Accessible Device", "ics")
HARDWARE_ADDITIONS = Technique("T1200", "Hardware Additions", "enterprise")
TRANSIENT_CYBER_ASSET = Technique("T0864", "Transient Cyber Asset", "ics")
ROGUE_MASTER = Technique("T0848", "Rogue Master", "ics")
REMOTE_SERVICES = Technique("T0886", "Remote Services", "ics")
UNAUTHORIZED_COMMAND = Technique("T0855", "Unauthorized Command Message", "ics")
MODIFY_PARAMETER = Technique("T0836", "Modify Parameter", "ics")
