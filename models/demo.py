"""The demo world: the same people and devices on every machine, so that anyone can follow the README."""

from datetime import UTC, datetime

from models.devices import Device, Kind, Plan, Unit
from models.messages import Setting
from models.people import Agent, Customer, MiniGrid, OfficeUser, Village
from models.sales import Payment, Sale, Token
from models.tokens import ISSUERS
from models.vault import Vault
from models.vending import REFERENCE_ALPHABET, REFERENCE_LENGTH

OFFICE_USER, OFFICE_PASSWORD = "admin", "mwanga-demo"
AGENTS = (
    ("Asha Mushi", "+255700000001", "en", "482915", 200_000, "Mtwara North"),
    ("Juma Said", "+255700000002", "sw", "739164", 50_000, "Mtwara North"),
    ("Zuhura Ali", "+255700000003", "en", "604817", 200_000, "Lindi South"),
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
BULK = 500


async def is_demo() -> bool:
    return await Setting.exists(name="demo")


async def load(vault: Vault, exponent: int, customers: int = 0) -> bool:
    """Fill an empty database; False when there is somebody in it already."""
    if await Agent.exists():
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
    plans = {
        "meter": await Plan.create(name="Household 350", unit=Unit.ENERGY, price=350 * minor),
        "shs": await Plan.create(name="Solar home, weekly 7,000", unit=Unit.DAYS, price=1_000 * minor),
        "bike": await Plan.create(name="E-bike, 2,000 a day", unit=Unit.DAYS, price=2_000 * minor),
    }
    amina, baraka, neema = [
        await Customer.create(
            name=name, surname=surname, phone=phone, language=language, mini_grid=home, village=villages[0]
        )
        for name, surname, phone, language in (
            ("Amina", "Juma", "+255710000001", "sw"),
            ("Baraka", "Peter", "+255710000002", "en"),
            ("Neema", "Paulo", "+255710000003", "en"),
        )
    ]
    await _device(vault, "04123456784", Kind.METER, "sts", STS_KEY, customer=amina, plan=plans["meter"])
    await _device(vault, "SHS0283", Kind.SHS, "openpaygo", _paygo(0, 123456789), 1, customer=baraka, plan=plans["shs"])
    await _device(
        vault,
        "EB100042",
        Kind.EBIKE,
        "openpaygo",
        _paygo(1, 432435255),
        10,
        customer=neema,
        plan=plans["bike"],
    )
    await OfficeUser.create(name=OFFICE_USER, password_hash=vault.hash_password(OFFICE_PASSWORD))
    await Setting.create(name="demo", value="yes")
    for first in range(0, customers, BULK):
        await _crowd(vault, home, plans["shs"], first, min(BULK, customers - first))
    return True


def _paygo(key: int, starting_code: int) -> dict[str, str | int | bool]:
    return {"secret": PAYGO_KEYS[key], "starting_code": starting_code, "divider": 1}


async def _device(
    vault: Vault,
    serial: str,
    kind: Kind,
    issuer: str,
    key: dict[str, str | int | bool],
    count: int = 0,
    *,
    customer: Customer,
    plan: Plan,
) -> Device:
    return await Device.create(
        serial=serial,
        kind=kind,
        issuer=issuer,
        sealed_key=vault.seal_json(key, f"device {serial}"),
        count=count,
        customer=customer,
        plan=plan,
    )


async def _crowd(vault: Vault, home: MiniGrid, plan: Plan, first: int, size: int) -> None:
    """Customers with a solar home system and one token sold each, a block at a time. Their past sales are
    history from before the ledger was opened: they book nothing."""
    numbers = range(first, first + size)
    phones = {f"+25572{n:07d}": n for n in numbers}
    await Customer.bulk_create(
        Customer(name="Mteja", surname=f"N{n}", phone=phone, mini_grid=home) for phone, n in phones.items()
    )
    key = _paygo(0, 123456789)
    await Device.bulk_create(
        Device(
            serial=(serial := f"SHD{phones[str(customer.phone)]:06d}"),
            kind=Kind.SHS,
            issuer="openpaygo",
            sealed_key=vault.seal_json(key, f"device {serial}"),
            count=2,
            customer=customer,
            plan=plan,
        )
        for customer in await Customer.filter(phone__in=list(phones))
    )
    devices = await Device.filter(serial__in=[f"SHD{n:06d}" for n in numbers])
    await _past_sales(await Agent.get(phone=AGENTS[0][1]), plan, devices)


async def _past_sales(agent: Agent, plan: Plan, devices: list[Device]) -> None:
    keys = {f"demo {device.serial}": device for device in devices}
    await Payment.bulk_create(
        Payment(provider="cash", reference=key, amount=plan.price, agent_id=agent.id) for key in keys
    )
    await Sale.bulk_create(
        Sale(
            reference=_reference(keys[payment.reference].id),
            key=payment.reference,
            payment_id=payment.id,
            agent_id=agent.id,
            customer_id=keys[payment.reference].customer_id,
            device_id=keys[payment.reference].id,
            amount=plan.price,
            unit=plan.unit,
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


def _reference(number: int) -> str:
    """A reference for a number, the same each time: the demo's past sales need no chance."""
    letters = ""
    for _ in range(REFERENCE_LENGTH):
        number, digit = divmod(number, len(REFERENCE_ALPHABET))
        letters = REFERENCE_ALPHABET[digit] + letters
    return letters
