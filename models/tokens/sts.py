"""Electricity credit tokens of STS meters (IEC 62055-41), as a virtual security module makes them.

Vending gives a meter's key, the next token identifier and the energy sold, and gets 20 digits to type in.
Only encryption algorithm 11 (MISTY1) with key derivation DKGA04 is built: the tables of algorithm 07 are not
public. Vending keys of live supply groups never leave a certified module; this one serves the published test
key and meter keys handed over by a manufacturer. It reproduces public STS 531 vectors and is not certified.
"""

import hashlib
import hmac
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from models.tokens import misty1

BASE_YEARS = (1993, 2014, 2035)
UNIQUE_KEY_TYPE = 2
NEVER_EXPIRES = 255
MAX_TID = (1 << 24) - 1
MAX_TENTHS = 18_201_624
# A burst on one meter pushes its identifiers ahead of the clock, a minute for each token. An hour is enough for it;
# more means that the clock went back: a meter that has seen future identifiers takes correct ones for old.
MAX_LEAD_MINUTES = 60

_MINUTES_PER_DAY = 1440
_RESERVED_MINUTE = 1
_DECODER_KEY_BYTES = 16
_VENDING_KEY_BYTES = 20
_MANTISSA_VALUES = 1 << 14
# The smallest energy and the step of each exponent, in tenths of a kWh: 16384 steps end where the next begin.
_FIRST_TENTHS = (0, 16_384, 180_224, 1_818_624)
_STEP_TENTHS = (1, 10, 100, 1000)
_CLASS_SHIFT = 27


@dataclass(frozen=True, slots=True, kw_only=True)
class VendingKey:
    """The 160-bit key of a supply group: `sgc` is its 6-digit code, `krn` the key's revision 1..9."""

    sgc: str
    krn: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _require(_is_digits(self.sgc, 6), "A supply group code has 6 digits.")
        _require(1 <= self.krn <= 9, f"A key revision number is 1 to 9, not {self.krn}.")
        _require(len(self.secret) == _VENDING_KEY_BYTES, "A DKGA04 vending key has 20 bytes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterKey:
    """The 128-bit decoder key inside one meter, the base date it counts from and its expiry (KEN, 0..255)."""

    meter_number: str
    base_year: int
    expiry: int = NEVER_EXPIRES
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _require(is_meter_number(self.meter_number), "The meter number's check digit is wrong.")
        _check_base_year(self.base_year)
        _require(0 <= self.expiry <= NEVER_EXPIRES, f"A key expiry number is 0 to 255, not {self.expiry}.")
        _require(len(self.secret) == _DECODER_KEY_BYTES, "A decoder key for MISTY1 has 16 bytes.")


@dataclass(frozen=True, slots=True)
class Credit:
    """What a credit token says: energy in tenths of a kWh, token identifier and the 4 random bits."""

    tenths: int
    tid: int
    rnd: int


def luhn_digit(payload: str) -> str:
    """Return the mod-10 check digit that belongs after `payload`, a string of digits."""
    _require(_is_digits(payload), "A check digit is taken over digits only.")
    total = sum(int(digit) for digit in payload[-2::-2])
    for digit in payload[::-2]:
        total += sum(divmod(2 * int(digit), 10))
    return str(-total % 10)


def is_meter_number(text: str) -> bool:
    """Say whether `text` is a decoder reference number: 11 or 13 digits, the last a Luhn check digit."""
    return (_is_digits(text, 11) or _is_digits(text, 13)) and luhn_digit(text[:-1]) == text[-1]


def meter_number(manufacturer: str, serial: str) -> str:
    """Join a manufacturer code of 2 or 4 digits, an 8-digit serial and the check digit: 11 or 13 digits."""
    known_length = _is_digits(manufacturer, 2) or _is_digits(manufacturer, 4)
    _require(known_length, "A manufacturer code has 2 or 4 digits.")
    _require(_is_digits(serial, 8), "A meter's serial has 8 digits.")
    return manufacturer + serial + luhn_digit(manufacturer + serial)


def meter_pan(number: str) -> str:
    """Return the 18-digit account number: issuer 600727 (0000 for 13 digits), meter number, check digit."""
    _require(is_meter_number(number), "The meter number's check digit is wrong.")
    payload = ("600727" if len(number) == 11 else "0000") + number
    return payload + luhn_digit(payload)


def derive_key(
    vending_key: VendingKey,
    number: str,
    *,
    tariff_index: int = 1,
    key_type: int = UNIQUE_KEY_TYPE,
    base_year: int = 2014,
    expiry: int = NEVER_EXPIRES,
) -> MeterKey:
    """Derive a meter's key by DKGA04: a new tariff index, key revision or base date is another key.

    Key types other than 2 (unique) are refused: no public vectors show how a common key (3) is derived.
    """
    _require(0 <= tariff_index <= 99, f"A tariff index is 0 to 99, not {tariff_index}.")
    _require(key_type == UNIQUE_KEY_TYPE, f"Key type {key_type} is not supported, only 2 (unique).")
    _check_base_year(base_year)
    context = _counted("04", f"{base_year % 100:02d}", "11", f"{tariff_index:02d}")
    label = _counted(vending_key.sgc, str(key_type), str(vending_key.krn), meter_pan(number))
    message = b"\x04" + context + b"\x00\x04" + label + (8 * _DECODER_KEY_BYTES).to_bytes(4, "big")
    secret = hmac.digest(vending_key.secret, message, hashlib.sha256)[:_DECODER_KEY_BYTES]
    return MeterKey(meter_number=number, base_year=base_year, expiry=expiry, secret=secret)


def next_tid(now: datetime, last_tid: int | None, base_year: int) -> int:
    """Return the identifier of a meter's next token: whole minutes (UTC) since 1 January of `base_year`.

    A meter knows a replay by the identifier alone, so each one is at least a minute later than `last_tid`
    (None before the first token). 00:01 of each day is kept for special tokens and skipped (IEC 62055-41,
    6.3.5). ValueError when `now` has no time zone, does not fit the base date's 24 bits, or is over an hour
    behind `last_tid`.
    """
    tid, clock = _later_tid(now, last_tid, base_year)
    _require(clock >= 0, f"Base date {base_year} has not begun.")
    _require(tid <= MAX_TID, f"Base date {base_year} has run out; the meter needs a key change.")
    _require(tid - clock <= MAX_LEAD_MINUTES, "The clock is over an hour behind the meter's last token.")
    return tid


def is_in_use(base_year: int, now: datetime, last_tid: int | None = None) -> bool:
    """Whether a meter that counts from this base date can have a token: the date has begun, and its 24 bits have not
    run out. Those of 1993 ended in November 2024."""
    tid, clock = _later_tid(now, last_tid, base_year)
    return clock >= 0 and tid <= MAX_TID


def check_in_use(base_year: int, now: datetime) -> None:
    """Raises ValueError when no meter can have a token that counts from this base date."""
    tid, clock = _later_tid(now, None, base_year)
    _require(clock >= 0, f"Base date {base_year} has not begun.")
    _require(tid <= MAX_TID, f"Base date {base_year} has run out: its meters take no more tokens.")


def minutes_to_wait(now: datetime, last_tid: int | None, base_year: int) -> int:
    """Return in how many minutes `next_tid` can give one, 0 for now: a meter takes some sixty tokens within an hour."""
    tid, clock = _later_tid(now, last_tid, base_year)
    return max(0, tid - clock - MAX_LEAD_MINUTES)


def _later_tid(now: datetime, last_tid: int | None, base_year: int) -> tuple[int, int]:
    """The identifier that is next, and the one that it is by the clock."""
    _check_base_year(base_year)
    _require(now.utcoffset() is not None, "The time of a token needs a time zone.")
    clock = (now - datetime(base_year, 1, 1, tzinfo=UTC)) // timedelta(minutes=1)
    tid = clock if last_tid is None else max(clock, last_tid + 1)
    if tid % _MINUTES_PER_DAY == _RESERVED_MINUTE:
        tid += 1
    return tid, clock


def amount_field(tenths: int) -> int:
    """Code an energy in tenths of a kWh as the 16-bit amount: 2 bits of exponent e, 14 of mantissa.

    Steps are 0.1 kWh to 1,638.4, 1 kWh to 18,022.4, 10 kWh to 181,862.4, then 100 kWh; what lies between two
    is rounded up, in the customer's favour (IEC 62055-41, 6.3.6).
    """
    _require(0 <= tenths <= MAX_TENTHS, f"A token carries 0 to {MAX_TENTHS} tenths of a kWh, not {tenths}.")
    exponent = bisect_right(_FIRST_TENTHS, tenths) - 1
    mantissa = -((_FIRST_TENTHS[exponent] - tenths) // _STEP_TENTHS[exponent])
    # Added, not joined: a mantissa rounded up to 16384 carries into the exponent and is its first value.
    return exponent * _MANTISSA_VALUES + mantissa


def field_tenths(amount: int) -> int:
    """Return the tenths of a kWh that a 16-bit amount stands for."""
    _require(0 <= amount <= 0xFFFF, "An amount field has 16 bits.")
    exponent, mantissa = divmod(amount, _MANTISSA_VALUES)
    return _FIRST_TENTHS[exponent] + mantissa * _STEP_TENTHS[exponent]


def carried_tenths(tenths: int) -> int:
    """Return what a token for `tenths` will really credit, so that a sale can book exactly that."""
    return field_tenths(amount_field(tenths))


def whole_tenths(tenths: int) -> int:
    """Return the most that a token can say of `tenths`, and no more than that: so much is sold."""
    field = amount_field(tenths)
    carried = field_tenths(field)
    return carried if carried <= tenths else field_tenths(field - 1)


def checksum(token_class: int, fields: int) -> int:
    """Return the CRC-16 (polynomial A001 reflected, bytes swapped) of the class and the 48 bits above it."""
    crc = 0xFFFF
    for byte in (token_class << 48 | fields).to_bytes(7, "big"):
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return (crc & 0xFF) << 8 | crc >> 8


def encode(key: MeterKey, *, tenths: int, tid: int, rnd: int) -> str:
    """Make the 20-digit token that credits `carried_tenths(tenths)` tenths of a kWh to one meter.

    `tid` comes from `next_tid`; `rnd` is any number 0..15 and protects nothing. The same arguments give the
    same token. ValueError for an amount, identifier or `rnd` out of range, or a key that has expired.
    """
    _require(tenths > 0, "A credit token carries at least 0.1 kWh.")
    _require(0 <= tid <= MAX_TID, f"A token identifier has 24 bits; {tid} has not.")
    _require(tid % _MINUTES_PER_DAY != _RESERVED_MINUTE, "Identifiers of 00:01 are for special tokens.")
    _require(tid >> 16 <= key.expiry, "The meter's key has expired; the meter needs a key change.")
    _require(0 <= rnd <= 15, f"A token's random part is 0 to 15, not {rnd}.")
    # Subclass 0 in the top four bits: electricity.
    fields = rnd << 40 | tid << 16 | amount_field(tenths)
    block = misty1.encrypt(key.secret, fields << 16 | checksum(0, fields))
    return f"{_insert_class(block, token_class=0):020d}"


def decode(key: MeterKey, token: str) -> Credit:
    """Read a credit token as the meter would. ValueError when it is not an electricity credit of this key."""
    _require(_is_digits(token, 20) and int(token) < 1 << 66, "A token is 20 digits, 66 bits.")
    block, token_class = _remove_class(int(token))
    _require(token_class == 0, f"The token is of class {token_class}, not a credit (0).")
    fields, crc = divmod(misty1.decrypt(key.secret, block), 1 << 16)
    _require(crc == checksum(0, fields), f"The token does not fit meter {key.meter_number}.")
    _require(fields >> 44 == 0, f"The token is of subclass {fields >> 44}, not electricity (0).")
    return Credit(tenths=field_tenths(fields & 0xFFFF), tid=fields >> 16 & MAX_TID, rnd=fields >> 40 & 0xF)


def group(token: str) -> str:
    """Write a token as meters and receipts show it: five groups of four digits."""
    return " ".join(token[i : i + 4] for i in range(0, 20, 4))


def _insert_class(block: int, token_class: int) -> int:
    """Put the class into bits 28 and 27 of the cipher block; the two bits it displaces go to 65 and 64."""
    displaced = block >> _CLASS_SHIFT & 3
    return displaced << 64 | block & ~(3 << _CLASS_SHIFT) | token_class << _CLASS_SHIFT


def _remove_class(number: int) -> tuple[int, int]:
    block = number & (1 << 64) - 1
    return block & ~(3 << _CLASS_SHIFT) | number >> 64 << _CLASS_SHIFT, block >> _CLASS_SHIFT & 3


def _counted(*texts: str) -> bytes:
    return b"".join(bytes([len(text)]) + text.encode("ascii") for text in texts)


def _is_digits(text: str, length: int | None = None) -> bool:
    return text.isascii() and text.isdigit() and length in (None, len(text))


def _check_base_year(base_year: int) -> None:
    _require(base_year in BASE_YEARS, f"A base date is 1993, 2014 or 2035, not {base_year}.")


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)


# The published key of the STS 531-1-0-04 vectors: for demonstrations and tests, never for a real meter.
TEST_VENDING_KEY = VendingKey(sgc="123457", krn=1, secret=bytes.fromhex("abababababababab949494949494949401234567"))
