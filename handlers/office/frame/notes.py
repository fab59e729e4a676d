"""Notes of the audit as people read them: amounts in the company's currency, and nothing that is for programs."""

import re

from bot.company import Company
from handlers.office.frame.named import YES_AND_NO
from handlers.office.frame.words import _

MINOR = re.compile(r"(-?\b\d{1,18}) minor units")
# What a note says for the whole of it, and nobody asks: that nothing was owed or paid, and a device's count.
IDLE = re.compile(
    r", (?:0 minor units owed|0 minor units of the access rate|commission 0 minor units|0 days|count \d+ kept)\b"
)
CUSTOMERS = re.compile(r"\bcustomer (\d+)(?: -> (\d+))?")
AMOUNTS, PERCENTS = ("agent cash_limit",), ("agent commission", "agent goods_commission")  # in hundredths of a percent
NUMBER = re.compile(r"-?\d{1,18}")


def told(detail: str, company: Company) -> str:
    """The detail of a note."""
    said = CUSTOMERS.sub(lambda found: f"#{found[1]}{f' -> #{found[2]}' if found[2] else ''}", IDLE.sub("", detail))
    said = MINOR.sub(lambda found: company.money(int(found[1])), said)
    return said.replace("-> ", "\u2192 ")


def told_value(action: str, value: str, company: Company) -> str:
    """What was there before or after: an agent's limit is kept in minor units, a commission in hundredths of a
    percent."""
    if value in YES_AND_NO:
        return _(value)
    if not NUMBER.fullmatch(value):
        return value
    if action in AMOUNTS:
        return company.money(int(value))
    return f"{int(value) / 100:g} %" if action in PERCENTS else value
