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
    `carried(units)` is what a token really delivers, never less than asked. `unlock(key, count)` is for the last
    payment: its token runs the device for ever; None for a kind that is never paid off."""

    issue: Callable[[Key, str, int, int, datetime], tuple[int, str]]
    most_units: int
    group: Callable[[str], str]
    carried: Callable[[int], int] = int
    unlock: Callable[[Key, int], tuple[int, str]] | None = None
    most_of: Callable[[Key], int] | None = None  # where it depends on the device, at most `most_units`
    rests: Callable[[Key, int, datetime], int] | None = None  # minutes until there is a token again, by the last count

    def most(self, key: Key) -> int:
        """What one token of the device with this key can carry."""
        return self.most_of(key) if self.most_of else self.most_units


def _openpaygo(key: Key, serial: str, count: int, units: int, now: datetime) -> tuple[int, str]:
    del serial, now
    paygo = _paygo(key)
    days = openpaygo.units_for_days(units, paygo.divider)
    issued = openpaygo.issue(paygo, count, openpaygo.TokenType.ADD_TIME, days)
    return issued.count, issued.token


def _openpaygo_most(key: Key) -> int:
    return openpaygo.MAX_UNITS // int(key.get("divider", 1))


def _openpaygo_unlock(key: Key, count: int) -> tuple[int, str]:
    issued = openpaygo.issue(_paygo(key), count, openpaygo.TokenType.DISABLE_PAYG, 0)
    return issued.count, issued.token


def _paygo(key: Key) -> openpaygo.PaygoKey:
    return openpaygo.PaygoKey(
        bytes.fromhex(str(key["secret"])),
        int(key["starting_code"]),
        int(key.get("divider", 1)),
        bool(key.get("restricted_digits", False)),
    )


def _sts(key: Key, serial: str, count: int, units: int, now: datetime) -> tuple[int, str]:
    vending = sts.VendingKey(sgc=str(key["sgc"]), krn=int(key["krn"]), secret=bytes.fromhex(str(key["secret"])))
    meter = sts.derive_key(vending, serial, tariff_index=int(key["ti"]), base_year=int(key["base_year"]))
    tid = sts.next_tid(now, count or None, meter.base_year)
    return tid, sts.encode(meter, tenths=units, tid=tid, rnd=secrets.randbelow(16))


def _sts_rests(key: Key, count: int, now: datetime) -> int:
    return sts.minutes_to_wait(now, count or None, int(key["base_year"]))


ISSUERS = {
    "openpaygo": Issuer(
        _openpaygo, openpaygo.MAX_UNITS, openpaygo.group, unlock=_openpaygo_unlock, most_of=_openpaygo_most
    ),
    "sts": Issuer(_sts, sts.MAX_TENTHS, sts.group, sts.carried_tenths, rests=_sts_rests),
}
