"""Names of DNS numbers: record types, operation codes and response codes (IANA, "Domain Name System (DNS) Parameters")."""

from __future__ import annotations

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, NAPTR, DNAME, OPT = 1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 39, 41
NB, NBSTAT = 32, 33
"""NetBIOS record types (RFC 1002 section 4.2.1.3); on port 53 the same numbers mean other things."""

TYPES = {
    1: "A",
    2: "NS",
    5: "CNAME",
    6: "SOA",
    10: "NULL",
    11: "WKS",
    12: "PTR",
    13: "HINFO",
    15: "MX",
    16: "TXT",
    17: "RP",
    18: "AFSDB",
    24: "SIG",
    25: "KEY",
    28: "AAAA",
    29: "LOC",
    32: "NB",
    33: "SRV",
    35: "NAPTR",
    36: "KX",
    37: "CERT",
    39: "DNAME",
    41: "OPT",
    42: "APL",
    43: "DS",
    44: "SSHFP",
    45: "IPSECKEY",
    46: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    49: "DHCID",
    50: "NSEC3",
    51: "NSEC3PARAM",
    52: "TLSA",
    53: "SMIMEA",
    55: "HIP",
    59: "CDS",
    60: "CDNSKEY",
    61: "OPENPGPKEY",
    62: "CSYNC",
    63: "ZONEMD",
    64: "SVCB",
    65: "HTTPS",
    99: "SPF",
    108: "EUI48",
    109: "EUI64",
    249: "TKEY",
    250: "TSIG",
    251: "IXFR",
    252: "AXFR",
    255: "ANY",
    256: "URI",
    257: "CAA",
    32769: "DLV",
}

CLASSES = frozenset({1, 3, 4, 254, 255})
"""IN, CH, HS, NONE (RFC 2136) and ANY."""

OPERATIONS = {0: "query", 1: "inverse_query", 2: "status", 4: "notify", 5: "update", 6: "stateful_operations"}

RESPONSES = (
    "ok",
    "formerr",
    "servfail",
    "nxdomain",
    "notimp",
    "refused",
    "yxdomain",
    "yxrrset",
    "nxrrset",
    "notauth",
    "notzone",
    "dsotypeni",
)
"""Status by response code: RFC 1035 section 4.1.1, RFC 2136 section 2.2, RFC 8490."""

EXTENDED_RESPONSES = {
    16: "badvers",
    17: "badkey",
    18: "badtime",
    19: "badmode",
    20: "badname",
    21: "badalg",
    22: "badtrunc",
    23: "badcookie",
}
"""Response codes that need the upper bits of an OPT record (RFC 6891 section 6.1.3)."""


def response_name(code: int) -> str:
    """Status word of a response code."""
    if code < len(RESPONSES):
        return RESPONSES[code]
    return EXTENDED_RESPONSES.get(code, f"rcode_{code}")


def type_name(code: int) -> str:
    """Name of a record type, in the generic form of RFC 3597 section 5 where it has none here."""
    return TYPES.get(code) or f"TYPE{code}"
