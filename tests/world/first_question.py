"""The first question of a talk, in a world in which there is more to name than in the demo's."""

from bot.server import Server
from bot.talks import Channel
from models.devices import Device, with_owner
from models.people import Agent, Customer, MiniGrid, Role
from models.selling.cash_requests import Wish, ask_agent
from models.selling.payable import PayableDevice
from tests.world.people import PEOPLE, Phones
from tests.world.routes import Route, equipped
from tests.world.walk import CALLERS, Walk, World

ELSEWHERE = "SHS0777"  # a device of another mini-grid
NORTH = World(CALLERS, {"customer": "2", "serial": "SHS0283", "phone": "0710000002", "part": "ma"}, {})


async def _wanted() -> None:
    """Two customers want to buy for cash from Asha."""
    bike = await Device.get(serial="EB100042")
    asha, paid_for = await Agent.get(phone=PEOPLE["Asha"]), PayableDevice(await with_owner(bike.id))
    neema = await Customer.get(phone=PEOPLE["Neema"])
    for phone in ("+255711000001", "+255711000002"):
        wish = Wish(paid_for, neema, 2_000_00, phone, "en")
        await ask_agent(wish, asha, key=f"wish of {phone}", minutes=60, alone=True)


async def begun(mwanga: Server, route: Route, channel: Channel) -> Walk:
    """The first question of a talk."""
    walk = await prepared(mwanga, route, channel)
    await walk.begin()
    return walk


async def prepared(mwanga: Server, route: Route, channel: Channel) -> Walk:
    """Right before it, in a world with a ticket, a shared phone, two devices of one customer, two who want to buy for
    cash, and somebody in another mini-grid."""
    phones = Phones(mwanga)
    await equipped()
    await _wanted()
    await phones.text("Asha", "FIX SHS0283 no light")  # ticket K1
    await Customer.filter(phone=PEOPLE["Neema"]).update(phone=PEOPLE["Baraka"])
    lindi = await MiniGrid.get(name="Lindi South")
    salma = await Customer.create(name="Salma", surname="Bakari", phone="+255713000777", mini_grid=lindi)
    baraka = await Device.get(serial="SHS0283")
    for serial, owner_id in ((ELSEWHERE, salma.id), ("SHS0290", baraka.customer_id)):
        await Device.create(
            serial=serial,
            kind="shs",
            issuer="openpaygo",
            sealed_key="",
            customer_id=owner_id,
            tariff_id=baraka.tariff_id,
        )
    if (route.role, route.talk) == (Role.CUSTOMER, "fixed"):
        await phones.text("Asha", "DONE K1")
    walk = Walk(phones, route, channel, NORTH)
    await walk.prepare()
    return walk
