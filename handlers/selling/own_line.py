"""What a customer writes behind BUY: what it is for and how much, in any order, or one of the two, or nothing."""

import re
from collections.abc import Sequence

from bot.talks import Chat, Field, Invalid, Turn, courtesies, echo
from bot.text import _
from bot.text.amounts import count_pieces, read_amount, stands_beside
from bot.text.grammar import split
from handlers.fields.devices import LIKE_SERIAL, tails
from handlers.fields.serials import MOST, tidy_serial
from models.devices import devices_of
from models.devices.tables import known_serials
from models.people import Caller, Customer
from models.selling import Payable, contracts_of
from models.selling.account_text import SALE, find_by_account
from models.selling.contracts import dues_by_contract
from models.selling.payable import PayableDevice, PayableGoods

MOST_PIECES = 12  # of a line that are looked at
MOST_PARTS = 6  # of a serial that was read aloud
LONGEST_STORY = 40  # of a text that wants to buy: four SMS of short words
FEWEST_DIGITS = 8  # of a serial without letters, so that it is no amount
_NO_MONEY = re.compile(r"\+?\d{9,}")  # of a meter, or of somebody's phone


async def own_things(customers: Sequence[Customer]) -> list[Payable]:
    """What these customers pay for: their devices, and the goods that are not paid off."""
    contracts = [one for one in await contracts_of(customers) if one.device_id is None and one.ended_on is None]
    owed = await dues_by_contract(contracts)
    goods = [PayableGoods(one) for one in reversed(contracts) if owed[one.id]]
    return [*map(PayableDevice, await devices_of(list(customers))), *goods]


def spellings(own: Sequence[Payable]) -> dict[str, str]:
    """The names of these things, and the ends of serials that are of one of them alone: which name each stands for."""
    devices = [one.device for one in own if one.device]
    found = {end: device.serial for device in devices for end in tails(device, devices)}
    return found | {one.name: one.name for one in own}


class Bought(Field[Payable]):
    """What a payment is for: one of the caller's own things by its name or its end; where phones are asked to pay,
    anybody's by its whole serial or number, and else those of the own mini-grid."""

    name = "bought"

    async def read(self, turn: Turn, answer: str) -> str:
        typed = tidy_serial(answer)
        own = spellings(await own_things(turn.person.customers))
        if typed in own:
            return own[typed]
        found = await find_by_account(typed)
        if isinstance(found, str) or not _is_in_reach(found, turn):
            raise Invalid(_("{serial} not found. It stands on the device.", serial=echo(answer, MOST)))
        return found.name

    async def find(self, turn: Turn, recorded: str) -> Payable:
        found = await find_by_account(recorded)
        if isinstance(found, str) or not _is_in_reach(found, turn):  # it may have moved meanwhile
            turn.start_over()
        return found


def owner_of(paid_for: Payable) -> Customer | None:
    """Who has the device, or owes for the goods."""
    return paid_for.device.customer if paid_for.device else paid_for.signed.customer  # type: ignore[union-attr]


def _is_in_reach(paid_for: Payable, turn: Turn) -> bool:
    owner, customers = owner_of(paid_for), turn.person.customers
    if owner is None:
        return False
    return turn.company.mobile_money_of(turn.person.phone) is not None or owner.mini_grid_id in {
        one.mini_grid_id for one in customers
    }


async def put_in_order(chat: Chat, own: Sequence[Payable]) -> str:
    """Put what is paid for before how much, where one line has them the other way round, and words between them behind.
    Returns the name of the question that it answers first; empty where it has neither."""
    if not chat.pieces:
        return ""
    pieces = _without_own_phone(courtesies.within(chat.pieces), chat.person.phone)
    if not pieces:
        chat.put_pieces([])
        return ""
    place, count = await _target(pieces[:MOST_PIECES], own, chat)
    others = [*pieces[:place], *pieces[place + count :]]
    start = next((at for at in range(len(others)) if _begins_amount(others[at : at + 2])), len(others))
    end = start + (count_pieces(others[start:]) if start < len(others) else 0)
    target = ["".join(pieces[place : place + count])] if count else []
    rest = [*others[:start], *others[end:]]
    if not target and start == len(others):
        chat.no_more()
        return ""
    chat.put_pieces([*target, *others[start:end], *rest])
    return Bought.name if target else "amount"


async def _target(pieces: Sequence[str], own: Sequence[Payable], turn: Turn) -> tuple[int, int]:
    """Where in a line stands what is paid for, and how many pieces it takes; none where nothing is named. Of a line
    with one number that may be money, it is the money where the caller has but one thing to pay for."""
    spans = [
        (place, count, tidy_serial("".join(pieces[place : place + count])))
        for count in range(min(MOST_PARTS, len(pieces)), 0, -1)
        for place in range(len(pieces) - count + 1)
    ]
    mine = spellings(own)
    numbers = sum(any(map(str.isdecimal, piece)) for piece in pieces)
    for place, count, name in spans:
        money = numbers == 1 == len(own) and _is_amount([name], turn)
        if name in mine and not money:
            return place, count
    likely = [span for span in spans if _is_like_serial(span[2])]
    known = {*await known_serials([name for _place, _count, name in likely])}
    for place, count, name in likely:
        joined = count > 1 and tidy_serial(pieces[place]) in known  # SHS1 2000 is no SHS12000
        sale = count == 1 or (count == 2 and len(pieces[place]) == 1)  # S 1002, but no S1002 500
        if (name in known and not joined) or (sale and SALE.fullmatch(name)) or (count == 1 and _names_something(name)):
            return place, count
    return 0, 0


def _is_like_serial(name: str) -> bool:
    digits = sum(map(str.isdecimal, name))
    return digits >= FEWEST_DIGITS or (digits > 0 and any(map(str.isalpha, name)))


def _names_something(name: str) -> bool:
    """Whether one piece names a device, or somebody by the phone, even if there is none."""
    return bool(LIKE_SERIAL.fullmatch(name) or _NO_MONEY.fullmatch(name))


def _without_own_phone(pieces: Sequence[str], phone: str) -> list[str]:
    """People write their own number as well: BUY 5000 0712345678."""
    return [piece for piece in pieces if not (_NO_MONEY.fullmatch(piece) and phone.endswith(piece.lstrip("+0")))]


def _begins_amount(pieces: Sequence[str]) -> bool:
    if any(map(str.isdecimal, pieces[0])):
        return True
    return len(pieces) > 1 and stands_beside(pieces[0]) and any(map(str.isdecimal, pieces[1]))


def _is_amount(pieces: Sequence[str], turn: Turn) -> bool:
    return bool(read_amount(" ".join(pieces), turn.company.currency, turn.company.exponent))


async def said_without_keyword(caller: Caller, text: str, before: Sequence[Sequence[object]]) -> list[str] | None:
    """What a text without a keyword says of a purchase: which of several things, and the one number that may be money.
    None for somebody else's, and where nobody is a customer. A long story says neither."""
    if not caller.customers:
        return None
    pieces, own = _without_own_phone(split(text), caller.phone), await own_things(caller.customers)
    if len(pieces) > LONGEST_STORY:
        return []
    mine, tidied = spellings(own), [tidy_serial(piece) for piece in pieces]
    named = [name for name in tidied if name in mine]
    if any(_names_something(name) and name not in mine for name in tidied):
        return None
    if len(pieces) == 1 and any(map(str.isdigit, text)):
        return None
    money = _amounts_among(pieces, [name in mine for name in tidied])
    if len(own) > 1:
        return [mine[named[0]], *money[:1]] if len(named) == 1 and len(money) <= 1 else named[:1]
    return money if len(money) == 1 else []


def _amounts_among(pieces: Sequence[str], others: Sequence[bool]) -> list[str]:
    """What may be money, each with all that is written with it: kwh 10 is no 10, and the 000 of 5 000 no other amount.
    `others` are no money."""
    found, place = [], 0
    while place < len(pieces):
        number = place if any(map(str.isdecimal, pieces[place])) else place + 1
        count = 1
        if _begins_amount(pieces[place : place + 2]) and not others[number]:
            count = count_pieces(pieces[place:])
            found.append(" ".join(pieces[place : place + count]))
        place += count
    return found
