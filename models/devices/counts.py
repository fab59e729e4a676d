"""Device counts after a database went back to an earlier state: they are moved on, so that no token is made twice."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.audit import Audit, record
from models.devices.keys import PORTION, open_one_of_many
from models.devices.tables import Device
from models.sql import connection, execute, lock_rows
from models.tokens import Key
from models.tokens.journal import Made
from models.vault import Vault

# A device takes a token up to 64 counts ahead of its own (OpenPAYGO specification 2.3), and each payment uses two.
MOST_TOKENS, STEPS = 30, 2
ADVANCED = "advance counts"


class AlreadyAdvanced(Exception):
    """Counts were moved on for this time already: once more could take a device beyond what it allows."""


@dataclass(frozen=True)
class Advance:
    """What the journal tells of a database: how many tokens it does not know, of how many devices."""

    tokens: int
    devices: int
    unknown: Sequence[str] = ()  # serials of which the journal has tokens that no device here can have had
    first: datetime | None = None
    last: datetime | None = None
    begins_after: datetime | None = None  # when the last token of the database was made, if the journal has it not


def mark_of(key: Key, serial: str) -> str:
    """A mark by which the journal tells one key of a device from another. It stays when the secret key of the database
    changes, and says nothing of the device's, which has 128 bits or more."""
    parts = " ".join(f"{name}={key[name]}" for name in sorted(key))
    return hashlib.blake2b(f"{serial} {parts}".encode(), digest_size=6, person=b"mwanga key").hexdigest()


async def advance_by_journal(tokens: Iterable[Made], vault: Vault, actor: str) -> Advance:
    """Move each device's count on to the last token that was made for it, in the caller's unit of work. Counts only
    rise, so it may run twice. Raises Sealed."""
    made: dict[tuple[str, str], set[Made]] = {}  # the journal may be there twice, in two places
    for token in tokens:
        made.setdefault((token.serial, token.key), set()).add(token)
    unknown: list[Made] = []
    moved, serials = 0, sorted({serial for serial, _key in made})
    await lock_rows("device", "serial = ANY($1::text[])", [serials])
    for start in range(0, len(serials), PORTION):
        for device in await Device.filter(serial__in=serials[start : start + PORTION]):
            place = device.serial, mark_of(open_one_of_many(device, vault), device.serial)
            since = [token for token in made.pop(place, ()) if token.count > device.count]
            if since:
                await _move(device, max(token.count for token in since))
                unknown += since
                moved += 1
    if moved:
        await record(actor, ADVANCED, "by the journal", f"{moved} devices, {len(unknown)} tokens")
    times = sorted(token.at for token in unknown)
    strange = sorted({serial for serial, _key in made})
    return Advance(len(unknown), moved, strange, *((times[0], times[-1]) if times else ()))


async def advance_since(since: datetime, tokens: int, actor: str) -> int:
    """Without a journal: move all OpenPAYGO counts on by so many tokens each, those of the stock too, in the caller's
    unit of work; returns how many devices. STS tokens are told apart by the minute, and go on by themselves.

    Raises AlreadyAdvanced, and ValueError for more tokens than a device passes over.
    """
    if not 1 <= tokens <= MOST_TOKENS:
        raise ValueError(f"A device passes over 1 to {MOST_TOKENS} tokens.")
    subject = f"since {since.isoformat(timespec='seconds')}"
    if await Audit.exists(action=ADVANCED, subject=subject):
        raise AlreadyAdvanced
    moved = await execute(
        connection(),
        "UPDATE device SET count = count + $1 WHERE issuer = 'openpaygo' RETURNING id",
        [STEPS * tokens],
    )
    await record(actor, ADVANCED, subject, f"{len(moved)} devices, {tokens} tokens each")
    return len(moved)


async def _move(device: Device, count: int) -> None:
    await execute(connection(), "UPDATE device SET count = $2 WHERE id = $1 AND count < $2", [device.id, count])
