"""Which mobile network a receiver is in. The gateways tell it of everybody who writes; it is kept for the router."""

import re

from models.sql import connection, execute

_CODE = re.compile(r"[0-9]{5,6}")
# MCC and MNC, as Africa's Talking gives them with every message (its documentation, networkCode), with the word that
# is in each operator's name as a SIM shows it.
NAMES = {
    "62120": "Airtel",
    "62130": "MTN",
    "62150": "Glo",
    "62160": "9mobile",
    "63510": "MTN",
    "63513": "Tigo",
    "63514": "Airtel",
    "63902": "Safaricom",
    "63903": "Airtel",
    "63907": "Telkom",
    "63999": "Equitel",
    "64002": "Tigo",
    "64003": "Zantel",
    "64004": "Vodacom",
    "64005": "Airtel",
    "64007": "TTCL",
    "64009": "Halotel",
    "64101": "Airtel",
    "64110": "MTN",
    "64111": "UTL",
    "64114": "Africell",
    "65001": "TNM",
    "65010": "Airtel",
}
# Numbers move between networks, so that their beginning says little; some 100 bytes for each that we know.
MOST = 100_000
NEWEST = f"SELECT phone, network FROM contact WHERE network <> '' ORDER BY replies_since DESC LIMIT {MOST}"


def fits(network: str, carrier: str) -> bool:
    """Whether a SIM of this operator is in that network. A name that we do not know fits none."""
    name = NAMES.get(network)
    return bool(name) and str(name).casefold() in carrier.casefold()


def is_code(network: str) -> bool:
    """Whether this is MCC and MNC (E.212). Kannel and others name here what the message came by, like "smsc1"."""
    return bool(_CODE.fullmatch(network))


class Networks:
    """The networks of those who wrote to us, by phone number, as MCC and MNC."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    async def load(self) -> None:
        """Know again what was known before the last stop."""
        rows = await execute(connection(), NEWEST)
        self._known.update((row["phone"], row["network"]) for row in rows if is_code(row["network"]))

    def learn(self, phone: str, network: str) -> None:
        """A gateway named the network that this phone wrote from; a word that is no network's code says nothing."""
        if is_code(network) and (len(self._known) < MOST or phone in self._known):
            self._known[phone] = network

    def of(self, phone: str) -> str:
        """The network's code, or nothing."""
        return self._known.get(phone, "")
