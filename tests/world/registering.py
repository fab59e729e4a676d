"""Registrations in one message, and how an agent sends them."""

from tests.world.people import Phones

METER = "REG Rehema Ali, 0713000111, meter, 04123456792, Mtwara, household"
SHS = "REG Rehema Ali, 0713000111, shs, SHS0284, Mtwara"
EBIKE = "REG Rehema Ali, none, ebike, EB100043, Naliendele"
PERSON = "REG Rehema Ali, 0713000111, none, Mtwara"


async def said(phones: Phones, text: str, name: str = "Asha") -> str:
    """The reply to a text."""
    answers = [message for who, message in await phones.text(name, text) if who == name]
    return answers[0] if answers else ""


async def by_one_message(phones: Phones, command: str) -> str:
    """The reply to a whole registration in one text and its yes."""
    await phones.text("Asha", command)
    return await said(phones, "1")
