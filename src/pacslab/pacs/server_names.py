"""Names of the servers of a lab network."""

ARCHIVE = "archive"
SCANNER = "CT01"
WORKSTATION = "WS01"
STRANGER = "ROGUE"
ACTORS = (SCANNER, WORKSTATION, STRANGER)
SERVERS = (ARCHIVE, *ACTORS)
PROXY = "proxy"
TAP = "tap"
PLACES = (*SERVERS, PROXY, TAP)
"""Every name that has an address in a lab network, whether something runs there or not."""
