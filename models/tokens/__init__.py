"""Where tokens come from. An issuer turns a device, its last count and paid units into the next count and digits.

A local issuer is a pure function and is called inside the sale's transaction. A new kind of device is one more
row in ISSUERS.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from models.tokens import openpaygo, sts

Key = Mapping[str, str | int | bool]


@dataclass(frozen=True)
class Issuer:
    """`issue(key, serial, count, units, now)` gives the new count and the digits; raises ValueError.
    `carried(units)` is what a token really delivers, never less than asked."""

    issue: Callable[[Key, str, int, int, datetime], tuple[int, str]]
    most_units: int
    group: Callable[[str], str]
    carried: Callable[[int], int] = int


def _openpaygo(key: Key, serial: str, count: int, units: int, now: datetime) -> tuple[int, str]:
    del serial, now
    divider = int(key.get("divider", 1))
    paygo = openpaygo.PaygoKey(
        bytes.fromhex(str(key["secret"])),
        int(key["starting_code"]),
        divider,
        bool(key.get("restricted_digits", False)),
    )
    issued = openpaygo.issue(paygo, count, openpaygo.TokenType.ADD_TIME, openpaygo.units_for_days(units, divider))
    return issued.count, issued.token


def _sts(key: Key, serial: str, count: int, units: int, now: datetime) -> tuple[int, str]:
    vending = sts.VendingKey(sgc=str(key["sgc"]), krn=int(key["krn"]), secret=bytes.fromhex(str(key["secret"])))
    meter = sts.derive_key(vending, serial, tariff_index=int(key["ti"]), base_year=int(key["base_year"]))
    tid = sts.next_tid(now, count or None, meter.base_year)
    return tid, sts.encode(meter, tenths=units, tid=tid, rnd=secrets.randbelow(16))


ISSUERS = {
    "openpaygo": Issuer(_openpaygo, openpaygo.MAX_UNITS, openpaygo.group),
    "sts": Issuer(_sts, sts.MAX_TENTHS, sts.group, sts.carried_tenths),
}
