"""Names and tactics of ATT&CK techniques, v18.1: the whole matrix for control systems, and of Enterprise what networks can show.

Tactics have an order, that of the matrices' columns. The two matrices are read as one row of stages: what both have keeps its
place, and what ends a process comes after what ends a network intrusion.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.model.finding import Finding, Technique


@dataclass(frozen=True, slots=True)
class Tactic:
    """A tactic: ``name`` as ATT&CK has it, ``rank`` its place among all stages, and its identifier in each matrix that has it."""

    name: str
    rank: int
    enterprise: str | None
    ics: str | None

    def identifier(self, matrix: str) -> str | None:
        """``TA...`` in ``matrix`` (``ics`` or ``enterprise``)."""
        return self.ics if matrix == "ics" else self.enterprise


_RECONNAISSANCE = Tactic("Reconnaissance", 0, "TA0043", None)
_INITIAL_ACCESS = Tactic("Initial Access", 1, "TA0001", "TA0108")
_EXECUTION = Tactic("Execution", 2, "TA0002", "TA0104")
_PERSISTENCE = Tactic("Persistence", 3, "TA0003", "TA0110")
_PRIVILEGE_ESCALATION = Tactic("Privilege Escalation", 4, "TA0004", "TA0111")
_DEFENSE_EVASION = Tactic("Defense Evasion", 5, "TA0005", None)
_EVASION = Tactic("Evasion", 5, None, "TA0103")
_CREDENTIAL_ACCESS = Tactic("Credential Access", 6, "TA0006", None)
_DISCOVERY = Tactic("Discovery", 7, "TA0007", "TA0102")
_LATERAL_MOVEMENT = Tactic("Lateral Movement", 8, "TA0008", "TA0109")
_COLLECTION = Tactic("Collection", 9, "TA0009", "TA0100")
_COMMAND_AND_CONTROL = Tactic("Command and Control", 10, "TA0011", "TA0101")
_EXFILTRATION = Tactic("Exfiltration", 11, "TA0010", None)
_INHIBIT_RESPONSE_FUNCTION = Tactic("Inhibit Response Function", 12, None, "TA0107")
_IMPAIR_PROCESS_CONTROL = Tactic("Impair Process Control", 13, None, "TA0106")
_IMPACT = Tactic("Impact", 14, "TA0040", "TA0105")

TACTICS: tuple[Tactic, ...] = (
    _RECONNAISSANCE, _INITIAL_ACCESS, _EXECUTION, _PERSISTENCE, _PRIVILEGE_ESCALATION, _DEFENSE_EVASION, _EVASION,
    _CREDENTIAL_ACCESS, _DISCOVERY, _LATERAL_MOVEMENT, _COLLECTION, _COMMAND_AND_CONTROL, _EXFILTRATION,
    _INHIBIT_RESPONSE_FUNCTION, _IMPAIR_PROCESS_CONTROL, _IMPACT,
)  # fmt: skip
"""Every tactic, by rank, except Resource Development, which no network shows."""
TACTIC: dict[str, Tactic] = {tactic.name: tactic for tactic in TACTICS}

ICS: dict[str, tuple[str, tuple[Tactic, ...]]] = {
    "T0800": ("Activate Firmware Update Mode", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0801": ("Monitor Process State", (_COLLECTION,)),
    "T0802": ("Automated Collection", (_COLLECTION,)),
    "T0803": ("Block Command Message", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0804": ("Block Reporting Message", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0805": ("Block Serial COM", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0806": ("Brute Force I/O", (_IMPAIR_PROCESS_CONTROL,)),
    "T0807": ("Command-Line Interface", (_EXECUTION,)),
    "T0809": ("Data Destruction", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0811": ("Data from Information Repositories", (_COLLECTION,)),
    "T0812": ("Default Credentials", (_LATERAL_MOVEMENT,)),
    "T0813": ("Denial of Control", (_IMPACT,)),
    "T0814": ("Denial of Service", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0815": ("Denial of View", (_IMPACT,)),
    "T0816": ("Device Restart/Shutdown", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0817": ("Drive-by Compromise", (_INITIAL_ACCESS,)),
    "T0819": ("Exploit Public-Facing Application", (_INITIAL_ACCESS,)),
    "T0820": ("Exploitation for Evasion", (_EVASION,)),
    "T0821": ("Modify Controller Tasking", (_EXECUTION,)),
    "T0822": ("External Remote Services", (_INITIAL_ACCESS,)),
    "T0823": ("Graphical User Interface", (_EXECUTION,)),
    "T0826": ("Loss of Availability", (_IMPACT,)),
    "T0827": ("Loss of Control", (_IMPACT,)),
    "T0828": ("Loss of Productivity and Revenue", (_IMPACT,)),
    "T0829": ("Loss of View", (_IMPACT,)),
    "T0830": ("Adversary-in-the-Middle", (_COLLECTION,)),
    "T0831": ("Manipulation of Control", (_IMPACT,)),
    "T0832": ("Manipulation of View", (_IMPACT,)),
    "T0834": ("Native API", (_EXECUTION,)),
    "T0835": ("Manipulate I/O Image", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0836": ("Modify Parameter", (_IMPAIR_PROCESS_CONTROL,)),
    "T0837": ("Loss of Protection", (_IMPACT,)),
    "T0838": ("Modify Alarm Settings", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0839": (
        "Module Firmware",
        (
            _PERSISTENCE,
            _IMPAIR_PROCESS_CONTROL,
        ),
    ),
    "T0840": ("Network Connection Enumeration", (_DISCOVERY,)),
    "T0842": ("Network Sniffing", (_DISCOVERY,)),
    "T0843": ("Program Download", (_LATERAL_MOVEMENT,)),
    "T0845": ("Program Upload", (_COLLECTION,)),
    "T0846": ("Remote System Discovery", (_DISCOVERY,)),
    "T0847": ("Replication Through Removable Media", (_INITIAL_ACCESS,)),
    "T0848": ("Rogue Master", (_INITIAL_ACCESS,)),
    "T0849": ("Masquerading", (_EVASION,)),
    "T0851": (
        "Rootkit",
        (
            _EVASION,
            _INHIBIT_RESPONSE_FUNCTION,
        ),
    ),
    "T0852": ("Screen Capture", (_COLLECTION,)),
    "T0853": ("Scripting", (_EXECUTION,)),
    "T0855": ("Unauthorized Command Message", (_IMPAIR_PROCESS_CONTROL,)),
    "T0856": (
        "Spoof Reporting Message",
        (
            _EVASION,
            _IMPAIR_PROCESS_CONTROL,
        ),
    ),
    "T0857": (
        "System Firmware",
        (
            _PERSISTENCE,
            _INHIBIT_RESPONSE_FUNCTION,
        ),
    ),
    "T0858": (
        "Change Operating Mode",
        (
            _EXECUTION,
            _EVASION,
        ),
    ),
    "T0859": (
        "Valid Accounts",
        (
            _PERSISTENCE,
            _LATERAL_MOVEMENT,
        ),
    ),
    "T0860": ("Wireless Compromise", (_INITIAL_ACCESS,)),
    "T0861": ("Point & Tag Identification", (_COLLECTION,)),
    "T0862": ("Supply Chain Compromise", (_INITIAL_ACCESS,)),
    "T0863": ("User Execution", (_EXECUTION,)),
    "T0864": ("Transient Cyber Asset", (_INITIAL_ACCESS,)),
    "T0865": ("Spearphishing Attachment", (_INITIAL_ACCESS,)),
    "T0866": (
        "Exploitation of Remote Services",
        (
            _INITIAL_ACCESS,
            _LATERAL_MOVEMENT,
        ),
    ),
    "T0867": ("Lateral Tool Transfer", (_LATERAL_MOVEMENT,)),
    "T0868": ("Detect Operating Mode", (_COLLECTION,)),
    "T0869": ("Standard Application Layer Protocol", (_COMMAND_AND_CONTROL,)),
    "T0871": ("Execution through API", (_EXECUTION,)),
    "T0872": ("Indicator Removal on Host", (_EVASION,)),
    "T0873": ("Project File Infection", (_PERSISTENCE,)),
    "T0874": (
        "Hooking",
        (
            _EXECUTION,
            _PRIVILEGE_ESCALATION,
        ),
    ),
    "T0877": ("I/O Image", (_COLLECTION,)),
    "T0878": ("Alarm Suppression", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0879": ("Damage to Property", (_IMPACT,)),
    "T0880": ("Loss of Safety", (_IMPACT,)),
    "T0881": ("Service Stop", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0882": ("Theft of Operational Information", (_IMPACT,)),
    "T0883": ("Internet Accessible Device", (_INITIAL_ACCESS,)),
    "T0884": ("Connection Proxy", (_COMMAND_AND_CONTROL,)),
    "T0885": ("Commonly Used Port", (_COMMAND_AND_CONTROL,)),
    "T0886": (
        "Remote Services",
        (
            _INITIAL_ACCESS,
            _LATERAL_MOVEMENT,
        ),
    ),
    "T0887": (
        "Wireless Sniffing",
        (
            _DISCOVERY,
            _COLLECTION,
        ),
    ),
    "T0888": ("Remote System Information Discovery", (_DISCOVERY,)),
    "T0889": ("Modify Program", (_PERSISTENCE,)),
    "T0890": ("Exploitation for Privilege Escalation", (_PRIVILEGE_ESCALATION,)),
    "T0891": (
        "Hardcoded Credentials",
        (
            _LATERAL_MOVEMENT,
            _PERSISTENCE,
        ),
    ),
    "T0892": ("Change Credential", (_INHIBIT_RESPONSE_FUNCTION,)),
    "T0893": ("Data from Local System", (_COLLECTION,)),
    "T0894": ("System Binary Proxy Execution", (_EVASION,)),
    "T0895": ("Autorun Image", (_EXECUTION,)),
}
"""Every technique of the matrix for control systems: name and tactics."""

ENTERPRISE: dict[str, tuple[str, tuple[Tactic, ...]]] = {
    "T1018": ("Remote System Discovery", (_DISCOVERY,)),
    "T1020": ("Automated Exfiltration", (_EXFILTRATION,)),
    "T1021": ("Remote Services", (_LATERAL_MOVEMENT,)),
    "T1029": ("Scheduled Transfer", (_EXFILTRATION,)),
    "T1030": ("Data Transfer Size Limits", (_EXFILTRATION,)),
    "T1040": ("Network Sniffing", (_CREDENTIAL_ACCESS, _DISCOVERY)),
    "T1041": ("Exfiltration Over C2 Channel", (_EXFILTRATION,)),
    "T1046": ("Network Service Discovery", (_DISCOVERY,)),
    "T1048": ("Exfiltration Over Alternative Protocol", (_EXFILTRATION,)),
    "T1071": ("Application Layer Protocol", (_COMMAND_AND_CONTROL,)),
    "T1071.001": ("Web Protocols", (_COMMAND_AND_CONTROL,)),
    "T1071.004": ("DNS", (_COMMAND_AND_CONTROL,)),
    "T1078": ("Valid Accounts", (_INITIAL_ACCESS, _PERSISTENCE, _PRIVILEGE_ESCALATION, _DEFENSE_EVASION)),
    "T1090": ("Proxy", (_COMMAND_AND_CONTROL,)),
    "T1095": ("Non-Application Layer Protocol", (_COMMAND_AND_CONTROL,)),
    "T1105": ("Ingress Tool Transfer", (_COMMAND_AND_CONTROL,)),
    "T1110": ("Brute Force", (_CREDENTIAL_ACCESS,)),
    "T1110.001": ("Password Guessing", (_CREDENTIAL_ACCESS,)),
    "T1110.003": ("Password Spraying", (_CREDENTIAL_ACCESS,)),
    "T1110.004": ("Credential Stuffing", (_CREDENTIAL_ACCESS,)),
    "T1132": ("Data Encoding", (_COMMAND_AND_CONTROL,)),
    "T1133": ("External Remote Services", (_INITIAL_ACCESS, _PERSISTENCE)),
    "T1190": ("Exploit Public-Facing Application", (_INITIAL_ACCESS,)),
    "T1200": ("Hardware Additions", (_INITIAL_ACCESS,)),
    "T1210": ("Exploitation of Remote Services", (_LATERAL_MOVEMENT,)),
    "T1219": ("Remote Access Tools", (_COMMAND_AND_CONTROL,)),
    "T1496": ("Resource Hijacking", (_IMPACT,)),
    "T1498": ("Network Denial of Service", (_IMPACT,)),
    "T1498.001": ("Direct Network Flood", (_IMPACT,)),
    "T1498.002": ("Reflection Amplification", (_IMPACT,)),
    "T1499": ("Endpoint Denial of Service", (_IMPACT,)),
    "T1557": ("Adversary-in-the-Middle", (_CREDENTIAL_ACCESS, _COLLECTION)),
    "T1557.002": ("ARP Cache Poisoning", (_CREDENTIAL_ACCESS, _COLLECTION)),
    "T1557.003": ("DHCP Spoofing", (_CREDENTIAL_ACCESS, _COLLECTION)),
    "T1565.002": ("Transmitted Data Manipulation", (_IMPACT,)),
    "T1567": ("Exfiltration Over Web Service", (_EXFILTRATION,)),
    "T1568": ("Dynamic Resolution", (_COMMAND_AND_CONTROL,)),
    "T1568.002": ("Domain Generation Algorithms", (_COMMAND_AND_CONTROL,)),
    "T1570": ("Lateral Tool Transfer", (_LATERAL_MOVEMENT,)),
    "T1571": ("Non-Standard Port", (_COMMAND_AND_CONTROL,)),
    "T1572": ("Protocol Tunneling", (_COMMAND_AND_CONTROL,)),
    "T1573": ("Encrypted Channel", (_COMMAND_AND_CONTROL,)),
    "T1595": ("Active Scanning", (_RECONNAISSANCE,)),
    "T1602": ("Data from Configuration Repository", (_COLLECTION,)),
}
"""Techniques of Enterprise that traffic can suggest: name and tactics."""


def tactics_of(technique: Technique) -> tuple[Tactic, ...]:
    """The tactics that ``technique`` serves, by rank; empty for one this table does not hold."""
    entry = (ICS if technique.matrix == "ics" else ENTERPRISE).get(technique.id)
    return tuple(sorted(entry[1], key=lambda tactic: tactic.rank)) if entry else ()


def stage_of(finding: Finding, *, inside: bool = False) -> Tactic | None:
    """The stage a finding shows: the tactic of the first technique it suggests that is known here.

    A technique of several tactics is a first step in (the earliest) unless the intruder is ``inside`` already (the latest, and of
    several techniques one that leads on, where there is one).
    """
    known = [tactics for technique in finding.techniques if (tactics := tactics_of(technique))]
    if not known:
        return None
    if inside:
        onward = [tactics[-1] for tactics in known if tactics[-1] is not _INITIAL_ACCESS]
        return onward[0] if onward else known[0][-1]
    return known[0][0]
