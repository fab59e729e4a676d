"""From a text to what it says: which rule fits it, what each field is worth, and what speaks against a payment.

Pure: no database, no clock. Who sent it and what the wallet held before is for bot/receipts/desk.py.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from bot.company import Company
from bot.receipts import reasons
from bot.receipts.shipped import ANY_REFERENCE, OPERATORS, Rule, Way, provider_of
from bot.receipts.template import LONGEST_TEXT, SHAPES, Field, Near, Reading, pays, small, tidy
from bot.text import numbers
from bot.text.i18n import Reason

MOST_DIGITS = 14  # of what a payer types
MOST_COINS = 1_000_000_000  # whole units of money: what is more is no payment of a customer
EARLY, LATE = timedelta(minutes=5), timedelta(hours=24)  # how far a text's own time may be from when it came
# Words of money that came in, that may have, or that went back: a text with one of them is looked at when no rule fits.
_MONEY_IN = re.compile(r"\b(?:receiv\w*|credited|deposit\w*|umepokea|imepokelewa|recu|recebe\w*)\b")
_MAYBE_IN = re.compile(r"\b(?:payment|malipo|pagamento|paiement)\b")
_TAKEN_BACK = re.compile(r"\b(?:revers\w*|\w*rudishwa|umefutwa|annul\w*|revert\w*|estorn\w*)\b")
_WALLET = re.compile(r"m-?pesa|money|momo|mixx|tigo ?pesa|wallet|pochi\b")
_DATES = (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"), re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{2,4})"))
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?: ?([AaPp])[Mm])?")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a rule reads in a text. Money is in minor units."""

    rule: Rule
    fields: dict[Field, str]  # as they stand there
    reference: str = ""  # in capitals
    amount: int = 0
    balance: int | None = None
    fee: int = 0
    moment: datetime | None = None  # when it happened, where the text says so (UTC)
    phone: str = ""  # E.164, or as the operator masks it
    name: str = ""
    account: str = ""
    doubts: tuple[Reason, ...] = ()  # why it is not taken for a payment

    @property
    def provider(self) -> str:
        """As the books name who has the money."""
        return provider_of(self.rule.operator)


def understand(text: str, rules: Sequence[Rule], company: Company, arrived: datetime) -> Found | None:
    """What the rule that fits a text reads in it; None when none fits."""
    fitting = [(rule, reading) for rule in rules if (reading := rule.template.read(text))]
    if not fitting:
        return None
    fitting.sort(key=lambda pair: pair[0].way is Way.IN)  # what goes out is never money that came in
    rule, reading = fitting[0]
    found = _read(rule, reading, company, arrived)
    if rule.way is Way.OUT:
        return found
    doubts = list(found.doubts)
    for other, again in fitting[1:]:
        second = _read(other, again, company, arrived)
        same = (found.provider, found.reference, found.amount, found.balance, found.account)
        if same != (second.provider, second.reference, second.amount, second.balance, second.account):
            doubts.append(Reason(reasons.TWO_RULES, one=rule.name, other=other.name))
            break
    if len(set().union(*(each.template.references(text) for each in rules if each.operator == rule.operator))) > 1:
        doubts.append(Reason(reasons.TWO_RECEIPTS))
    return Found(**{**vars(found), "doubts": tuple(doubts)})


def speaks_of(text: str) -> str:
    """What a text is about that no rule fits: `back`, `in`, `out`, or nothing that matters. One with letters that only
    look like ours may be about anything."""
    plain = small(tidy(text))
    if not re.search(r"\d", plain):
        return ""
    if _TAKEN_BACK.search(plain):
        return "back"
    if _MONEY_IN.search(plain) or any(letter.isalpha() and letter > "\u024f" for letter in plain):
        return "in"
    if pays(plain):
        return "out"
    return "in" if _MAYBE_IN.search(plain) else ""


def names_wallet(text: str) -> bool:
    """Whether a text, or an operator's name, names a wallet of mobile money: AirtelMoney does, AIRTEL does not."""
    return bool(_WALLET.search(small(tidy(text))))


def nearest(text: str, rules: Sequence[Rule]) -> tuple[Rule, Near] | None:
    """The rule that fits a text furthest; None where not even its beginning fits one."""
    found = [(rule, rule.template.near(text)) for rule in rules]
    begun = [(rule, near) for rule, near in found if near.pieces > 1]
    return max(begun, key=lambda pair: pair[1].pieces / pair[1].of, default=None)


def same_name(sender: str, names: Sequence[str]) -> bool:
    """Whether texts of these names come from this sender: the whole name, in ASCII alone, capitals or not."""
    sender = sender.strip()
    return sender.isascii() and small(sender) in {small(name) for name in names}


def _read(rule: Rule, reading: Reading, company: Company, arrived: datetime) -> Found:
    """Its fields as values, and what is wrong with them."""
    fields = reading.fields
    doubts = [Reason(reasons.TWO_WAYS, field=field) for field in reading.doubtful]
    reference = fields[Field.REFERENCE].upper()
    operator = OPERATORS.get(rule.operator)
    if not (operator.reference if operator else ANY_REFERENCE).fullmatch(reference):
        doubts.append(Reason(reasons.ODD_REFERENCE, reference=reference[:40], operator=rule.operator))
    money: dict[Field, int] = {}
    for field in (Field.AMOUNT, Field.BALANCE, Field.FEE):
        if field in fields:
            try:
                money[field] = read_money(fields[field], company)
            except Reason as reason:
                doubts.append(reason)
    if not doubts and not money[Field.AMOUNT]:
        doubts.append(Reason(reasons.NOTHING))
    moment = None
    try:
        moment = _moment(fields, company, arrived)
    except Reason as reason:
        doubts.append(reason)
    return Found(
        rule=rule,
        fields=fields,
        reference=reference,
        amount=money.get(Field.AMOUNT, 0),
        balance=money.get(Field.BALANCE),
        fee=money.get(Field.FEE, 0),
        moment=moment,
        phone=_phone(fields.get(Field.PHONE, ""), company),
        name=fields.get(Field.NAME, "").strip(" .,;-"),
        account=_account(fields.get(Field.SERIAL, "").strip(" .,;-")),
        doubts=tuple(doubts),
    )


def _account(text: str) -> str:
    """What the payer typed. Where that is nothing, MTN Uganda writes a number of nineteen digits; serials and numbers
    of meters have thirteen at most."""
    return "" if text.isdigit() and len(text) > MOST_DIGITS else text


def read_money(text: str, company: Company) -> int:
    """Money as operators write it, in minor units. Raises Reason."""
    if not SHAPES[Field.AMOUNT].fullmatch(text):
        raise Reason(reasons.NO_AMOUNT, text=text[:20])
    if re.search(r"\.[0-9]{3}\.|\.[0-9]{3},", text):
        text = text.replace(".", "").replace(",", ".")
    whole, _, cents = text.replace(",", "").partition(".")
    if int(whole) > MOST_COINS:
        raise Reason(reasons.TOO_MUCH, text=text[:20])
    exponent = company.exponent
    if cents[exponent:].strip("0"):
        raise Reason(reasons.CENTS, text=text, currency=company.currency)
    return int(whole) * company.unit + int((cents[:exponent] or "0").ljust(exponent, "0") or "0")


def _phone(text: str, company: Company) -> str:
    """E.164 where all digits are there."""
    if not text or not text.lstrip("+").isdigit():
        return text
    try:
        return numbers.parse(text, company.country)
    except ValueError:
        return text


def _moment(fields: dict[Field, str], company: Company, arrived: datetime) -> datetime | None:
    """When it happened (UTC), by the operator's clock, which is the company's. Raises Reason where that is no
    time, or none at which a text that came now is written."""
    if Field.DATE not in fields:
        return None
    day = _day(fields[Field.DATE])
    if Field.TIME not in fields:
        if not arrived.astimezone(company.zone).date() - timedelta(days=1) <= day <= _today(arrived + EARLY, company):
            raise Reason(reasons.OTHER_DAY, day=fields[Field.DATE])
        return None
    moment = datetime.combine(day, _time(fields[Field.TIME]), company.zone).astimezone(UTC)
    if not arrived - LATE - timedelta(minutes=1) <= moment <= arrived + EARLY:
        raise Reason(reasons.OTHER_TIME, day=fields[Field.DATE], time=fields[Field.TIME])
    return moment


def _today(moment: datetime, company: Company) -> date:
    return moment.astimezone(company.zone).date()


def _day(text: str) -> date:
    with suppress(ValueError):
        if iso := _DATES[0].fullmatch(text):
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if usual := _DATES[1].fullmatch(text):  # the day comes first everywhere where this is used
            year = int(usual[3])
            return date(year + 2000 if year < 100 else year, int(usual[2]), int(usual[1]))
    raise Reason(reasons.NO_DATE, text=text)


def _time(text: str) -> time:
    if found := _TIME.fullmatch(text):
        hour, half = int(found[1]), found[4]
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half in "Pp" else 0)
        elif half:
            hour = 24  # there is no 13 PM
        with suppress(ValueError):
            return time(hour, int(found[2]), int(found[3] or 0))
    raise Reason(reasons.NO_TIME, text=text)


def too_long(text: str) -> bool:
    """Whether a text is longer than any that is read."""
    return len(tidy(text)) > LONGEST_TEXT
