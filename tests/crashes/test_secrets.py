"""After a full run no PIN is anywhere, and no token or message text is in what is logged or measured."""

import re

from tests.emulators.africastalking import Emulator
from tests.world.people import PEOPLE, PINS
from tests.world.server import ServerProcess, dialled
from tests.world.stored import everything

WRONG, NEW, LOST = "918273", "730582", "561029"
DOOR_SMS = "sms"


async def full_run(at: Emulator) -> list[str]:
    """Everything in which people type PINs, right and wrong; the tokens that were sold."""
    asha, juma, baraka = PEOPLE["Asha"], PEOPLE["Juma"], PEOPLE["Baraka"]
    texts = [
        (asha, "BUY SHS0283 8000"),
        (asha, f"1 {WRONG}"),
        (asha, f"1{PINS['Asha']}"),
        (asha, f"1 {PINS['Asha']}"),
        (asha, f"BUY SHS0283 8000 {PINS['Asha']}"),
        (asha, f"my pin is {PINS['Asha']} ok"),
        (asha, f"{PINS['Asha'][:3]} {PINS['Asha'][3:]}"),
        (asha, f"PIN {PINS['Asha']} {NEW}"),
        (juma, f"PIN {WRONG} {NEW}"),
        (juma, "NUNUA EB100042 2000"),
        (juma, f"ndiyo {PINS['Juma']}"),
        (baraka, f"LOCK 0700000002 {LOST}"),
        (baraka, f"LOCK {juma} {PINS['Juma']}"),
    ]
    for phone, text in texts:
        assert await at.sms(phone, text) == 200
        await at.read(phone)
    await dialled(at, "Asha", "Sell power", "SHS0283", "3000", "1", WRONG, NEW)
    await dialled(at, "Asha", "Change PIN", NEW, LOST, LOST)
    await at.post(DOOR_SMS, {"from": asha, "text": f"1 {NEW}"})
    await at.wait_for(lambda messages: sum("Code" in message.text for message in messages) >= 6)
    return re.findall(r"Code (\d{3} \d{3} \d{3})", " ".join(message.text for message in at.messages))


async def test_no_pin_is_kept_and_no_token_is_logged(demo_url: str, engine: str) -> None:
    async with Emulator() as at:
        server = ServerProcess(demo_url, at, log_level="DEBUG")
        async with server:
            tokens = await full_run(at)
            metrics = await server.get("/metrics")
    assert len(set(tokens)) == 3
    stored = await everything(demo_url, engine)
    assert b"SHS0283" in stored, "the scan reads what is stored"
    assert tokens[0].encode() in stored or tokens[0].replace(" ", "").encode() in stored
    for pin in (*PINS.values(), WRONG, NEW, LOST):
        assert pin.encode() not in stored, pin
        assert f"{pin[:3]} {pin[3:]}".encode() not in stored, pin
        assert not re.search(rf"(?<!\d){pin}(?!\d)", server.log + metrics), pin
    for token in tokens:
        assert token not in server.log + metrics and token.replace(" ", "") not in server.log + metrics
    for words in ("BUY SHS0283", "SOLD", "my pin is", "Code"):
        assert words not in server.log + metrics, words
    assert PEOPLE["Baraka"] not in server.log + metrics
