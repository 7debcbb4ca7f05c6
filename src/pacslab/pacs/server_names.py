"""Names of the servers of a lab network."""

ARCHIVE = "archive"
SCANNER = "CT01"
WORKSTATION = "WS01"
STRANGER = "ROGUE"
PEERS = (SCANNER, WORKSTATION, STRANGER)
SERVERS = (ARCHIVE, *PEERS)
PROXY = "proxy"
TAP = "tap"
ADDRESSED_NAMES = (*SERVERS, PROXY, TAP)
"""Every name that has an address in a lab network, whether something runs there or not."""
