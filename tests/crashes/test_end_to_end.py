"""The main job over the wire alone: a running server, Africa's Talking's callbacks and API, devices with a keypad."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from models.demo.world import PAYGO_KEYS
from tests.emulators.africastalking import Answer, Emulator, Session
from tests.emulators.openpaygo_device import Accepted, Device, Refused
from tests.world.people import PEOPLE, PINS
from tests.world.server import ServerProcess, dialled, query

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OWNERS = {"SHS0283": "Baraka", "EB100042": "Neema"}


@pytest.fixture
async def africastalking() -> AsyncIterator[Emulator]:
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
async def server(demo_url: str, africastalking: Emulator) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(demo_url, africastalking) as running:
        yield running


@pytest.fixture
def devices() -> Mapping[str, Device]:
    """As they left the factory: the demo world's keys, starting codes and counts."""
    return {
        "SHS0283": Device(bytes.fromhex(PAYGO_KEYS[0]), starting_code=123456789, count=1),
        "EB100042": Device(bytes.fromhex(PAYGO_KEYS[1]), starting_code=432435255, count=10),
    }


def codes(text: str) -> list[str]:
    """The OpenPAYGO tokens in a message, as one types them."""
    return [code.replace(" ", "") for code in re.findall(r"\b\d{3} \d{3} \d{3}\b", text)]


def only_code(text: str) -> str:
    (code,) = codes(text)
    return code


def added(days: int) -> Accepted:
    return Accepted(Fraction(days), "ADD_TIME")


async def sold_by_sms(at: Emulator, agent: str, serial: str, amount: int, *, again: str = "") -> tuple[str, str]:
    """A whole sale by text: what the agent and the owner read."""
    phone = PEOPLE[agent]
    assert await at.sms(phone, f"BUY {serial} {amount} {again}".strip()) == 200
    assert serial in await at.read(phone)
    assert await at.sms(phone, f"1 {PINS[agent]}") == 200
    return await at.read(phone), await at.read(PEOPLE[OWNERS[serial]])


async def at_the_pin(at: Emulator, agent: str, serial: str, amount: int) -> Session:
    """A dialled sale that waits for the PIN."""
    session = await at.dial(PEOPLE[agent])
    for answer in ("1", serial, str(amount), "1"):
        assert session.kind == "CON", session.text
        await session.enter(answer)
    assert "PIN" in session.text
    return session


async def sold_by_ussd(at: Emulator, agent: str, serial: str, amount: int) -> tuple[str, str, str]:
    """A whole sale by dialling: the last screen, and what the agent and the owner read."""
    session = await at_the_pin(at, agent, serial, amount)
    screen = await session.enter(PINS[agent])
    assert screen.kind == "END"
    assert await session.hang_up() == 200
    return screen.text, await at.read(PEOPLE[agent]), await at.read(PEOPLE[OWNERS[serial]])


@pytest.mark.usefixtures("server")
async def test_a_token_sold_by_sms_unlocks_the_device_once(
    africastalking: Emulator, devices: Mapping[str, Device]
) -> None:
    seller, owner = await sold_by_sms(africastalking, "Asha", "SHS0283", 8000)
    assert seller.startswith("SOLD TZS 8,000, 8 days")
    code = only_code(owner)
    assert only_code(seller) == code
    device = devices["SHS0283"]
    assert not device.is_on(NOW)
    assert device.enter(code, NOW) == added(8)
    assert device.is_on(NOW)
    assert device.enter(code, NOW) == Refused("used or too old")


@pytest.mark.usefixtures("server")
@pytest.mark.everyday_on_sqlite
async def test_a_token_sold_by_dialling_unlocks_the_device_once(
    africastalking: Emulator, devices: Mapping[str, Device]
) -> None:
    screen, seller, owner = await sold_by_ussd(africastalking, "Juma", "EB100042", 4500)
    code = only_code(owner)
    assert only_code(screen) == only_code(seller) == code
    assert devices["EB100042"].enter(code, NOW) == added(2)  # 2.25 days: 500 stay as credit
    assert devices["EB100042"].enter(code, NOW) == Refused("used or too old")


SALES = [
    ("Asha", "SHS0283", 1_000, 1),
    ("Juma", "SHS0283", 1_001, 1),
    ("Asha", "EB100042", 2_000, 1),
    ("Juma", "EB100042", 14_000, 7),
    ("Asha", "SHS0283", 99_999, 100),  # with the credit of 1
    ("Asha", "EB100042", 60_500, 30),
    ("Juma", "SHS0283", 30_000, 30),
]


@pytest.mark.usefixtures("server")
@pytest.mark.everyday_on_sqlite
async def test_every_token_of_many_sales_is_accepted_once_for_the_days_paid(
    africastalking: Emulator, devices: Mapping[str, Device]
) -> None:
    issued: list[tuple[str, str, int]] = []
    for number, (agent, serial, amount, days) in enumerate(SALES):
        sell = sold_by_ussd if number % 2 else sold_by_sms
        texts = await sell(africastalking, agent, serial, amount)
        (code,) = {only_code(text) for text in texts}
        issued.append((serial, code, days))
    # Customers type them in any order as long as none falls far behind.
    for serial, code, days in reversed(issued):
        assert devices[serial].enter(code, NOW) == added(days)
    for serial, code, _ in issued:
        assert devices[serial].enter(code, NOW) == Refused("used or too old")
    foreign = [devices["EB100042" if serial == "SHS0283" else "SHS0283"] for serial, _, _ in issued]
    assert not any(
        isinstance(device.enter(code, NOW), Accepted) for device, (_, code, _) in zip(foreign, issued, strict=True)
    )


@pytest.mark.usefixtures("server")
@pytest.mark.everyday_on_sqlite
@pytest.mark.parametrize(("serial", "price"), [("SHS0283", 1_000), ("EB100042", 2_000)])
async def test_both_fetch_the_last_tokens_again_by_both_channels(
    serial: str, price: int, africastalking: Emulator
) -> None:
    at, owner, sold = africastalking, OWNERS[serial], []
    assert "No token yet" in await dialled(at, owner, "Last tokens")
    for days in (1, 2, 3, 4):
        seller, _ = await sold_by_sms(at, "Asha", serial, days * price)
        sold.append(only_code(seller))
    newest_three = sold[:0:-1]
    await at.sms(PEOPLE["Asha"], f"TOKEN {serial}")
    assert codes(await at.read(PEOPLE["Asha"])) == newest_three
    await at.sms(PEOPLE[owner], "token")
    assert codes(await at.read(PEOPLE[owner])) == newest_three
    assert codes(await dialled(at, "Asha", "Last tokens", serial, PINS["Asha"])) == newest_three
    assert codes(await dialled(at, owner, "Last tokens")) == newest_three


REPORTS = [
    (("Sent", "Success"), False, "delivered"),
    (("Success", "Sent"), False, "delivered"),
    (("Sent", "Success", "Success"), True, "delivered"),
    (("Sent", "Failed"), False, "failed"),
    (("Failed", "Success"), False, "delivered"),
    (("Submitted", "Buffered"), False, "sent"),
]


@pytest.mark.everyday_on_sqlite
async def test_delivery_reports_move_a_message_forward_only(
    server: ServerProcess, africastalking: Emulator, demo_url: str
) -> None:
    at = africastalking
    for words, first, _ in REPORTS:
        at.reports, at.reports_first = words, first
        await at.sms(PEOPLE["Baraka"], "BAL")
        await at.read(PEOPLE["Baraka"])
        await at.reported()
    states = [state for _, _, state in REPORTS]
    counted = 'mwanga_messages_total{direction="out",gateway="africastalking",state="%s"} %d.0'
    await server.shows("/metrics", counted % ("delivered", states.count("delivered")))
    # "Failed" that "Success" follows is a state reached, unless both are written at once.
    metrics = await server.get("/metrics")
    assert any(counted % ("failed", number) in metrics for number in (1, 2))
    await server.stop()  # what was taken is written soon after, at the latest now
    rows = await query(demo_url, "SELECT state, external_id FROM outbox ORDER BY id")
    assert [row["state"] for row in rows] == states
    assert [row["external_id"] for row in rows] == [message.id for message in at.messages]


@pytest.mark.usefixtures("server")
@pytest.mark.everyday_on_sqlite
async def test_a_gateway_in_trouble_delays_a_token_and_loses_none(africastalking: Emulator) -> None:
    at = africastalking
    at.answer(Answer(code=500))
    await at.sms(PEOPLE["Asha"], "BUY SHS0283 8000")
    assert "SHS0283" in await at.read(PEOPLE["Asha"])
    at.answer(Answer(http=503, page="<html><body>Bad gateway</body></html>"))
    at.answer(Answer(no_recipient="InternalServerError"))
    await at.sms(PEOPLE["Asha"], f"1 {PINS['Asha']}")
    assert len({only_code(await at.read(PEOPLE[name])) for name in ("Asha", "Baraka")}) == 1
    assert (len(at.requests), len(at.messages)) == (6, 3), "what was refused had not been taken: nothing comes twice"


@pytest.mark.everyday_on_sqlite
async def test_the_office_page_and_the_probes_answer_while_it_sells(
    server: ServerProcess, africastalking: Emulator
) -> None:
    assert '"ok"' in await server.get("/health")
    await sold_by_sms(africastalking, "Asha", "SHS0283", 8000)
    assert '"ready": true' in await server.get("/ready")
    assert "mwanga_sales_total 1.0" in await server.get("/metrics")
    assert "password" in await server.get("/login")
