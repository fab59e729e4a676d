"""A sale of power in one line, in any order: SHS0283 5000, 5000 for SHS0283, and glued as SHS0283-5000."""

from collections.abc import Sequence

from bot.talks import Chat, Invalid, Turn, courtesies
from bot.talks.fields import Amount
from bot.text import Text, _, plain_word
from bot.text.amounts import count_pieces, read_minor, stands_beside
from bot.text.answers import AGAIN
from handlers.fields.devices import PaidFor
from handlers.fields.naming import devices_named
from handlers.fields.serials import tidy_serial
from models.devices import LONGEST, TAIL
from models.devices.tables import find_all_for_agent, known_serials
from models.selling import Payable
from models.selling.payable import PayableDevice

PAID_FOR, AMOUNT = PaidFor(_("Serial number?")), Amount(_("Amount paid?"))
MOST_PIECES = 12  # of a line that says nothing but a sale
TYPED = 11  # characters of a serial that a command repeats: a meter's whole number; of longer ones the end
MOST_OF_AMOUNT = 3  # pieces: Tsh 5000 /=
FEWEST_DIGITS = 2  # of an amount that is glued to a serial, or taught


async def put_in_order(chat: Chat) -> None:
    """Put what is paid for before what is paid, where one line has them the other way round or glued together."""
    pieces = courtesies.within(chat.pieces)
    if not pieces:
        return
    if ordered := await _again_behind(chat, pieces):
        chat.put_pieces(ordered)
        return
    first = pieces[0]
    is_amount = _amount(chat, pieces[:1]) is not None or (first[0].isdecimal() and not first.isdecimal())
    if len(pieces) == 1 or "-" in first or is_amount:
        ordered = await as_sale(chat, pieces)
        if ordered:
            chat.put_pieces(ordered)


async def _again_behind(chat: Chat, pieces: Sequence[str]) -> list[str] | None:
    """The pieces with AGAIN behind the amount, where it stands before a sale that is named: BUY AGAIN SHS0283 5000."""
    place = next((place for place, piece in enumerate(pieces) if plain_word(piece) in AGAIN), len(pieces))
    if place == len(pieces) or (place and await as_sale(chat, pieces[:place])):
        return None
    ordered = await as_sale(chat, [piece for piece in pieces if plain_word(piece) not in AGAIN])
    if ordered is None:
        return None
    end = 1 + await AMOUNT.pieces(chat, ordered[1:])
    return [*ordered[:end], pieces[place], *ordered[end:]]


async def means_sale(chat: Chat, choices: int = 0) -> bool:
    """Whether the line behind another keyword names something paid for and an amount: SELL SHS0283 5000. A number that
    may be one of so many `choices` is no amount."""
    pieces = courtesies.within(chat.pieces)
    amounts = [_amount(chat, [piece]) or 0 for piece in pieces[: MOST_OF_AMOUNT + 1]]
    most = chat.company.most // chat.company.unit
    if not any(choices < amount <= most for amount in amounts) and not _is_serial(pieces[:1]):
        return False
    ordered = await as_sale(chat, pieces)
    if ordered is None or (_amount(chat, ordered[1:2]) or most) <= choices:
        return False
    chat.put_pieces(ordered)
    return True


async def claim_sale(turn: Turn, pieces: Sequence[str], text: str) -> list[str] | Text | None:
    """The pieces of a text without a keyword that is nothing but a serial, or a phone, and an amount. Of a longer text
    that names one device, how to write what may have been meant."""
    pieces = pieces[:MOST_PIECES]
    ordered = await as_sale(turn, pieces)
    if ordered and sum(map(str.isdecimal, ordered[0])) >= TAIL and await _amount_behind(turn, ordered[1:]):
        return (await _says_more(turn, ordered, text) and await _how_to_write(turn, pieces)) or ordered
    if glued := await _behind_keyword(turn, pieces):
        return glued
    return await _how_to_write(turn, pieces)


async def _says_more(turn: Turn, ordered: Sequence[str], text: str) -> bool:
    """Whether words stand behind the amount that are no part of a sale: SHS0283 3 lamps broken."""
    behind = list(ordered[1 + await AMOUNT.pieces(turn, ordered[1:]) :])
    if behind and plain_word(behind[0]) in AGAIN:
        behind.pop(0)
    if not behind:
        return False
    try:
        owners = [await PAID_FOR.resolve(turn, key) for key in await PAID_FOR.read(turn, ordered[0])]
    except Invalid:  # the talk says so
        return False
    names = [turn.agent.name, turn.company.name, *(name for owner in owners if owner for name in names_of(owner))]
    role, passed_over = turn.person.role, courtesies.name_words(names)
    more = courtesies.left_over(behind, text, turn.commands, role, passed_over)
    return bool(more) and not any(any(map(str.isdigit, one)) or turn.commands.find(one, role) for one in more)


def names_of(paid_for: Payable) -> list[str]:
    """The owner's names, which people write behind the amount."""
    customer = paid_for.device.customer if isinstance(paid_for, PayableDevice) else paid_for.signed.customer
    return [customer.name, customer.surname] if customer else []


async def _behind_keyword(turn: Turn, pieces: Sequence[str]) -> list[str] | None:
    """The sale of BUYSHS0283 5000: the keyword is glued to what is paid for."""
    first = plain_word(pieces[0])
    word = next((word for word in turn.commands.words("buy") if first.startswith(plain_word(word))), "")
    behind = pieces[0][len(word) :]
    return await as_sale(turn, [behind, *pieces[1:]]) if word and any(map(str.isdecimal, behind)) else None


async def _how_to_write(turn: Turn, pieces: Sequence[str]) -> Text | None:
    """The commands for the one device that a text names, with the amount if there is one."""
    found: dict[str, str] = {}
    for piece in pieces:
        serial = tidy_serial(piece)
        if len(serial) >= TAIL and any(map(str.isdecimal, serial)):
            found |= {one.serial: piece for one in await find_all_for_agent(serial, turn.agent.mini_grid_id, 1)}
    if len(found) != 1:
        return None
    [(serial, said)] = found.items()
    amount, no_amount, by_name = _amount_beside(turn, pieces, said), _("amount"), turn.commands.by_name
    return _(
        "Sell: {buy} {serial} {amount}. Codes: {token} {serial}. Problem: {fix} {serial} and what is wrong.",
        serial=serial if len(serial) <= TYPED else serial[-TYPED:],
        amount=str(amount) if amount else no_amount,
        **{word: by_name[name].keyword for word, name in (("buy", "buy"), ("token", "tokens"), ("fix", "fix"))},
    )


def _amount_beside(turn: Turn, pieces: Sequence[str], said: str) -> int | None:
    """The first amount of a text beside the serial; 7 days and 3 lamps are none."""
    while pieces:
        end = pieces.index(said) if said in pieces else len(pieces)
        begins = end and (any(map(str.isdecimal, pieces[0])) or stands_beside(pieces[0]))
        count = count_pieces(pieces[:end]) if begins else 1
        amount = _amount(turn, pieces[:count]) if begins else None
        if amount and 10 ** (FEWEST_DIGITS - 1) <= amount <= turn.company.most // turn.company.unit:
            return amount
        pieces = pieces[count:]
    return None


async def as_sale(turn: Turn, pieces: Sequence[str]) -> list[str] | None:
    """The pieces of one line with what is paid for first, as one piece, and then what is paid; None when they do not
    name both. What stands behind them stays there."""
    meant = courtesies.within(pieces)
    if len(meant) > 1:
        count, behind = await _target(turn, meant)
        if count and (await _amount_behind(turn, behind) or (_is_serial(meant[:count]) and _begins_with_digit(behind))):
            return [" ".join(meant[:count]), *behind]
        for end in range(1, min(MOST_OF_AMOUNT, len(meant) - 1) + 1):
            if _amount(turn, meant[:end]) is None and not (end == 1 and _begins_with_digit(meant)):
                continue
            target = courtesies.within(meant[end:])
            count, behind = await _target(turn, target)
            if count:
                return [" ".join(target[:count]), *meant[:end], *behind]
    return await _unglued(turn, meant)


async def _target(turn: Turn, pieces: Sequence[str]) -> tuple[int, list[str]]:
    """How many of these pieces name what is paid for (0: they do not), and what stands behind them."""
    count = await PAID_FOR.pieces(turn, pieces)
    try:
        await PAID_FOR.read(turn, " ".join(pieces[:count]))
    except Invalid:
        return 0, []
    return count, courtesies.within(pieces[count:])


async def _amount_behind(turn: Turn, pieces: Sequence[str]) -> bool:
    return bool(pieces) and _amount(turn, pieces[: await AMOUNT.pieces(turn, pieces)]) is not None


def _amount(turn: Turn, pieces: Sequence[str]) -> int | None:
    """In whole units, a part of one being one."""
    company = turn.company
    amount = read_minor(" ".join(pieces), company.currency, company.exponent, company.coin)
    return -(-amount // company.unit) if amount else None


def _begins_with_digit(pieces: Sequence[str]) -> bool:
    return bool(pieces) and pieces[0][0].isdecimal()


def _is_serial(pieces: Sequence[str]) -> bool:
    return any(any(map(str.isalpha, piece)) and any(map(str.isdecimal, piece)) for piece in pieces)


async def _unglued(turn: Turn, pieces: Sequence[str]) -> list[str] | None:
    """SHS0283-5000 and SHS02835000 come apart where exactly one device has a serial that they begin with."""
    glued = tidy_serial(pieces[0]) if pieces else ""
    if len(glued) > LONGEST or await devices_named(turn, glued):
        return None
    begun = [glued[:end] for end in range(TAIL, len(glued) - FEWEST_DIGITS + 1)]
    found = await known_serials(begun, turn.agent.mini_grid_id)
    amounts = {serial: glued[len(serial) :].removeprefix("-") for serial in found}
    if len(amounts) != 1:
        return None
    [(serial, amount)] = amounts.items()
    return [serial, amount, *pieces[1:]] if _amount(turn, [amount]) else None
