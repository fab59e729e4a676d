"""The demo world: the same people and devices on every machine, so that anyone can follow the README."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from models.audit import Audit
from models.demo import goods
from models.devices import Device, Kind, Tariff, Unit
from models.devices.access_rate import begin_access
from models.devices.connections import ConnectionGroup, ConnectionType, MeterType
from models.devices.keys import seal_key
from models.devices.meters import keep_vending_key
from models.money.ledger import currency
from models.money.payments import Payment
from models.money.references import reference_for
from models.people import Agent, Customer, MiniGrid, OfficeRole, OfficeUser, Village
from models.selling import Sale
from models.selling.sales import Token
from models.settings import Setting
from models.sql import connection, execute
from models.tokens import ISSUERS
from models.vault import Vault

# The second one counts the agents' cash, and agrees where two have to.
OFFICE_USER, CLERK, OFFICE_PASSWORD = "admin", "rehema", "mwanga-demo"
# Name, phone, language, PIN, cash limit, mini-grid.
AGENTS = (
    ("Asha Mushi", "+255700000001", "en", "482915", 200_000, "Mtwara North"),
    ("Juma Said", "+255700000002", "sw", "739164", 50_000, "Mtwara North"),
    ("Zuhura Ali", "+255700000003", "en", "604817", 200_000, "Lindi South"),
)
CUSTOMERS = (
    ("Amina", "Juma", "+255710000001", "sw"),
    ("Baraka", "Peter", "+255710000002", "en"),
    ("Neema", "Paulo", "+255710000003", "en"),
)
# The published test keys of the OpenPAYGO documentation and of the STS vectors (algorithm EA11).
PAYGO_KEYS = ("a29ab82edc5fbbc41ec9530f6dac86b1", "dac86b1a29ab82edc5fbbc41ec9530f6")
STS_KEY: dict[str, str | int | bool] = {
    "sgc": "123457",
    "krn": 1,
    "ti": 1,
    "base_year": 2014,
    "secret": "abababababababab949494949494949401234567",
}
# A use of energy with its tariff and price a kWh, its usual meter, and its group.
CONNECTIONS = (
    ("Household", "Household 350", 350, "Single phase 60A", "Residential"),
    ("Business", "Business 420", 420, "Three phase 100A", "Commercial"),
)
REGISTERED = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)  # all of them, long ago on any day
BULK = 500
# The entries of sales that have none yet: the office has the cash.
PAST = "SELECT 'sale ' || s.id || ' payment' AS key, s.amount, s.created_at FROM sale s WHERE s.key LIKE 'demo %'"
BOOK_PAST = (
    f"""INSERT INTO entry (key, actor, reason, line_count, effective_at, created_at)
    SELECT p.key, 'demo', '', 2, p.created_at, p.created_at FROM ({PAST}) p
    WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.key = p.key)""",
    f"""INSERT INTO line (entry_id, account_id, amount)
    SELECT e.id, a.id, CASE a.kind WHEN 'office cash' THEN p.amount ELSE -p.amount END
    FROM ({PAST}) p JOIN entry e ON e.key = p.key
    JOIN account a ON a.owner = 0 AND a.kind IN ('office cash', 'days sold')
    WHERE NOT EXISTS (SELECT 1 FROM line l WHERE l.entry_id = e.id)""",
)


async def is_demo() -> bool:
    return await Setting.exists(name="demo")


async def find_published(vault: Vault) -> list[str]:
    """Who has a password or a PIN of the demo world, as sentences name them."""
    found = []
    for user in await OfficeUser.filter(name__in=[OFFICE_USER, CLERK], removed_at=None).order_by("id"):
        if vault.check_password(OFFICE_PASSWORD, user.password_hash):
            found.append(f"office user {user.name}")
    published = {phone: pin for _name, phone, _language, pin, _limit, _grid in AGENTS}
    for agent in await Agent.filter(phone__in=list(published), retired_at=None):
        if vault.check_pin(published[agent.phone], agent.pin_hash):
            found.append(f"agent {agent.name}")
    return found


async def _is_empty() -> bool:
    """Whether nobody has begun anything: an office that added no agent yet must not get published ones."""
    return not any([await table.exists() for table in (OfficeUser, MiniGrid, Agent, Customer, Device, Audit)])


async def load(vault: Vault, exponent: int, today: date, customers: int = 0) -> bool:
    """Fill an empty database; False when there is anything in it already. `today` is the operator's day."""
    if not await _is_empty():
        return False
    minor = 10**exponent
    grids = {name: await MiniGrid.create(name=name) for name in ("Mtwara North", "Lindi South")}
    home = grids["Mtwara North"]
    villages = [await Village.create(name=name, mini_grid=home) for name in ("Mtwara", "Naliendele")]
    for name, phone, language, pin, limit, grid in AGENTS:
        await Agent.create(
            name=name,
            phone=phone,
            language=language,
            pin_hash=vault.hash_pin(pin),
            cash_limit=limit * minor,
            mini_grid=grids[grid],
        )
    tariffs = {
        "meter": await _connections(vault, minor),
        "shs": await Tariff.create(name="Solar home, weekly 7,000", unit=Unit.DAYS, price=1_000 * minor, minimum=minor),
        "bike": await Tariff.create(name="E-bike, 2,000 a day", unit=Unit.DAYS, price=2_000 * minor, minimum=minor),
    }
    where: dict[str, Any] = {"mini_grid": home, "village": villages[0], "created_at": REGISTERED}
    amina, baraka, neema = [
        await Customer.create(name=name, surname=surname, phone=phone, language=language, **where)
        for name, surname, phone, language in CUSTOMERS
    ]
    await _devices(vault, tariffs, amina, baraka, neema)
    await begin_access(await Device.get(kind=Kind.METER), today)
    await goods.load(minor, today)
    hashed = vault.hash_password(OFFICE_PASSWORD)
    await OfficeUser.create(name=OFFICE_USER, password_hash=hashed, role=OfficeRole.OWNER.value)
    await Setting.create(name="demo", value="yes")
    for first in range(0, customers, BULK):
        await _crowd(vault, home, tariffs["shs"], first, min(BULK, customers - first))
    return True


async def _connections(vault: Vault, minor: int) -> Tariff:
    """What a meter is registered with, and the key that it is derived from; the plan of households."""
    await keep_vending_key(STS_KEY, vault)
    for name, tariff, price, meter, group in CONNECTIONS:
        await ConnectionType.create(
            name=name,
            usual_tariff=await Tariff.create(name=tariff, unit=Unit.ENERGY, price=price * minor, minimum=minor),
            usual_meter_type=await MeterType.create(name=meter),
            usual_group=await ConnectionGroup.create(name=group),
        )
    return await Tariff.get(name="Household 350")


async def _devices(
    vault: Vault, tariffs: dict[str, Tariff], amina: Customer, baraka: Customer, neema: Customer
) -> None:
    """Each customer's device, and one of each kind that comes from stock."""
    shs, bike = _paygo(0, 123456789), _paygo(1, 432435255)
    await _device(vault, "04123456784", Kind.METER, issuer="sts", key=STS_KEY, customer=amina, tariff=tariffs["meter"])
    await _device(
        vault, "SHS0283", Kind.SHS, issuer="openpaygo", key=shs, count=1, customer=baraka, tariff=tariffs["shs"]
    )
    await _device(
        vault, "EB100042", Kind.EBIKE, issuer="openpaygo", key=bike, count=10, customer=neema, tariff=tariffs["bike"]
    )
    await _device(vault, "SHS0284", Kind.SHS, issuer="openpaygo", key=shs, count=1, tariff=tariffs["shs"])
    await _device(vault, "EB100043", Kind.EBIKE, issuer="openpaygo", key=bike, count=10, tariff=tariffs["bike"])


def _paygo(key: int, starting_code: int) -> dict[str, str | int | bool]:
    return {"secret": PAYGO_KEYS[key], "starting_code": starting_code, "divider": 1}


async def _device(
    vault: Vault,
    serial: str,
    kind: Kind,
    *,
    issuer: str,
    key: dict[str, str | int | bool],
    count: int = 0,
    customer: Customer | None = None,
    tariff: Tariff,
) -> Device:
    """A device with its key; one without a customer is in stock."""
    return await Device.create(
        serial=serial,
        kind=kind,
        issuer=issuer,
        sealed_key=seal_key(serial, key, vault),
        count=count,
        customer=customer,
        tariff=tariff,
    )


async def _crowd(vault: Vault, home: MiniGrid, tariff: Tariff, first: int, size: int) -> None:
    """Customers with a solar home system and one token sold each, a block at a time. What was paid is handed in."""
    numbers = range(first, first + size)
    phones = {f"+25572{n:07d}": n for n in numbers}
    await Customer.bulk_create(
        Customer(name="Mteja", surname=f"N{n}", phone=phone, mini_grid=home, created_at=REGISTERED)
        for phone, n in phones.items()
    )
    key = _paygo(0, 123456789)
    await Device.bulk_create(
        Device(
            serial=(serial := f"SHD{phones[str(customer.phone)]:06d}"),
            kind=Kind.SHS,
            issuer="openpaygo",
            sealed_key=seal_key(serial, key, vault),
            count=2,
            customer=customer,
            tariff=tariff,
            paid_until=datetime.now(UTC) + timedelta(days=1),
        )
        for customer in await Customer.filter(phone__in=list(phones))
    )
    devices = await Device.filter(serial__in=[f"SHD{n:06d}" for n in numbers])
    await _past_sales(await Agent.get(name="Asha Mushi"), tariff, devices)


async def _past_sales(agent: Agent, tariff: Tariff, devices: list[Device]) -> None:
    keys = {f"demo {device.serial}": device for device in devices}
    money, now = await currency(), datetime.now(UTC)
    await Payment.bulk_create(
        Payment(
            provider="cash",
            reference=key,
            amount=tariff.price,
            currency=money,
            agent_id=agent.id,
            paid_at=now,
        )
        for key in keys
    )
    await Sale.bulk_create(
        Sale(
            reference=reference_for(keys[payment.reference].id),
            key=payment.reference,
            payment_id=payment.id,
            agent_id=agent.id,
            customer_id=keys[payment.reference].customer_id,
            device_id=keys[payment.reference].id,
            amount=tariff.price,
            unit=tariff.unit,
            units=1,
            commission=0,
        )
        for payment in await Payment.filter(reference__in=list(keys))
    )
    count, digits = ISSUERS["openpaygo"].issue(_paygo(0, 123456789), "", 1, 1, datetime.now(UTC))
    await Token.bulk_create(
        Token(sale_id=sale.id, device_id=sale.device_id, count=count, digits=digits)
        for sale in await Sale.filter(key__in=list(keys))
    )
    for statement in BOOK_PAST:
        await execute(connection(), statement)
