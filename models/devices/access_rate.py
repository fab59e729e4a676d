"""The access rate: what a connected meter costs even when nothing is bought.

Nothing is written while it falls due: what is due follows from the day up to which it was reckoned, from the rates that
the tariff had since then, and from today. A payment settles it (models/selling/quotes.py) and moves that day on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tortoise import fields
from tortoise.models import Model

from models.devices.tables import Device, Kind, Tariff
from models.sql import connection, execute, marks, read_day

HISTORY = "SELECT tariff_id, since, rate, days FROM access_rate WHERE tariff_id IN ({}) ORDER BY tariff_id, since"
# Of two changes on one day the last counts.
KEEP = """INSERT INTO access_rate (tariff_id, since, rate, days) VALUES ($1, $2, $3, $4)
  ON CONFLICT (tariff_id, since) DO UPDATE SET rate = excluded.rate, days = excluded.days"""


class AccessRate(Model):
    """What a tariff's access rate is from a day on; the tariff itself has the newest."""

    id = fields.BigIntField(primary_key=True)
    tariff: fields.ForeignKeyRelation[Tariff] = fields.ForeignKeyField("models.Tariff", on_delete=fields.RESTRICT)
    tariff_id: int
    since = fields.DateField()
    rate = fields.BigIntField()  # minor units, for each period of so many days
    days = fields.SmallIntField()  # 0: nothing falls due

    class Meta:
        table = "access_rate"
        unique_together = (("tariff", "since"),)


@dataclass(frozen=True, slots=True)
class Rate:
    """One row of the history, without its tariff. Money is in minor units."""

    since: date
    rate: int
    days: int


@dataclass(frozen=True, slots=True)
class Access:
    """What a device owes of the access rate, in minor units, and up to which day that is reckoned."""

    due: int = 0
    until: date | None = None  # None: nothing was reckoned yet


def reckon(until: date, rates: Sequence[Rate], today: date) -> Access:
    """What fell due since `until` by today, and the end of the last whole period. Each period costs what the rate was
    on the day on which it began, so it does not matter how often this is asked. `rates` begin with the oldest; while
    there is no rate nothing falls due, also not afterwards."""
    due = 0
    for number, rate in enumerate(rates):
        replaced = rates[number + 1].since if number + 1 < len(rates) else date.max
        begin = max(until, rate.since)
        if begin >= min(replaced, today) or not (rate.rate and rate.days):
            continue
        begun = -((begin - replaced).days // rate.days)  # periods that begin before the next rate does
        ended = (today - begin).days // rate.days
        periods = min(begun, ended)
        due += periods * rate.rate
        until = begin + timedelta(days=periods * rate.days)
        if ended < begun:
            break  # a period is under way, and the next rate counts from its end
    return Access(due, until)


async def access_of(devices: Iterable[Device], today: date) -> dict[int, Access]:
    """What each of these devices owes by today, by its id."""
    devices = list(devices)
    tariffs = {device.tariff_id for device in devices if device.tariff_id and device.access_until}
    rates = await _rates(sorted(tariffs)) if tariffs else {}
    return {device.id: _access(device, rates.get(device.tariff_id or 0, []), today) for device in devices}


async def access_due(device: Device, today: date) -> Access:
    """What this device owes by today."""
    return (await access_of([device], today))[device.id]


def _access(device: Device, rates: Sequence[Rate], today: date) -> Access:
    if device.retired_at:  # nothing falls due any more
        return Access(device.access_due, device.access_until)
    if device.access_until is None:
        return Access(device.access_due, today if _begins(device) else None)
    fell = reckon(device.access_until, rates, today)
    return Access(device.access_due + fell.due, fell.until)


def _begins(device: Device) -> bool:
    """Whether the access rate of this device is reckoned from now on."""
    return device.kind == Kind.METER and device.customer_id is not None


async def _rates(tariffs: Sequence[int]) -> dict[int, list[Rate]]:
    found: dict[int, list[Rate]] = {}
    for row in await execute(connection(), HISTORY.format(marks(len(tariffs))), tariffs):
        rate = Rate(read_day(row["since"]), int(row["rate"]), int(row["days"]))
        found.setdefault(int(row["tariff_id"]), []).append(rate)
    return found


async def keep_rate(tariff: Tariff, today: date) -> None:
    """Note the tariff's access rate as that from today on, in the transaction that changed it. A tariff that never had
    one has no history."""
    rates = (await _rates([tariff.id])).get(tariff.id, [])
    known = (rates[-1].rate, rates[-1].days) if rates else (0, 0)
    if known != (wanted := (tariff.access_rate, tariff.access_days)) and (rates or tariff.access_rate):
        await execute(connection(), KEEP, [tariff.id, today, *wanted])


def first_access(kind: str | None, today: date) -> Access:
    """What a device owes that gets an owner: nothing by then, whatever a former owner left, and the access rate of a
    meter counts from today."""
    return Access(0, today if kind == Kind.METER else None)


async def begin_access(device: Device, today: date) -> None:
    """The device gets an owner. Call it in the transaction that gives it away."""
    await _write(device, first_access(device.kind, today))


async def settle_access(device: Device, today: date) -> None:
    """The device gets another tariff, or is used again: what fell due by then stays due, and the next period begins
    today. Call it before the change, in the same transaction."""
    access = await access_due(device, today)
    await _write(device, Access(access.due, today if access.until else None))


async def _write(device: Device, access: Access) -> None:
    device.access_due, device.access_until = access.due, access.until
    values = [device.id, access.due, access.until]
    await execute(connection(), "UPDATE device SET access_due = $2, access_until = $3 WHERE id = $1", values)
