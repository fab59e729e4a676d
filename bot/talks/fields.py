"""What can be asked: each field reads one answer, says what was wrong with it, and finds it again later."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from bot.company import Company
from bot.talks.turn import Turn
from bot.text import Text, _, amounts, numbers, plain
from bot.text.answers import BESIDE_PIN, CONSENT, COURTESY, PIN_DIGITS, declines
from bot.text.i18n import _n
from bot.text.redact import mistyped
from models.people import Agent, pins

T = TypeVar("T")


class Invalid(Exception):
    """This is no answer to the question; the text says why, in one short sentence."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.english)
        self.text = text


NOTHING_TYPED = "..."  # stands where it would be named
_YES = mistyped(word for word in sorted(CONSENT) if not word.isdecimal())
_THOUSANDS = r"(?!\d{3} \d{3}(?!\d))"  # not ahead of 730 582


def _maybe_pin(but: str = "") -> re.Pattern[str]:
    """Six digits alone, or behind a yes: a serial and a number are joined, 1 482915 is 1482915 there. In pieces too,
    where this pattern, if any, lets them."""
    pieces = r"\d(?:[ -]?\d){5}(?![ -]?\d)"
    said_yes = rf"({_YES}[\W_]*|1\W+{but}){pieces}"
    alone = rf"(1)?(?:\d{{6}}|(?<!\d[ -]){but}{pieces})"
    return re.compile(rf"(?<![A-Z0-9])(?:{said_yes}|{alone})(?![A-Z0-9])", re.IGNORECASE)


_MAYBE_PIN, _NO_AMOUNT = _maybe_pin(), _maybe_pin(_THOUSANDS)
# A serial loses its spaces: PIN IS 135790 typed for one, or LOCK, a number of up to 13 digits and a PIN.
_SAID_PIN = mistyped(("PIN", "SIRI", "SENHA"))
_GLUED_PIN = re.compile(rf"({_SAID_PIN}\D{{0,30}})\d[\d\W]*|\d{{14,}}", re.IGNORECASE)
_BESIDE, _COURTESY = (mistyped(sorted(words, key=len, reverse=True)) for words in (BESIDE_PIN, COURTESY))
# So it does with what stands between a yes and its PIN: 1 PLEASE 135790.
_COURTEOUS_PIN = re.compile(
    rf"(?<![A-Z0-9])((?:1|{_YES})[\W_]*(?:{_BESIDE}[\W_]*)+|(?:{_COURTESY}[\W_]*)+)\d{{6}}(?![A-Z0-9])", re.IGNORECASE
)


def echo(typed: str, most: int = 13, *, amount: bool = False) -> str:
    """What was typed, as far as an answer may say it again: the beginning, and never what may be a PIN. Where an
    `amount` was asked for, twice three digits are one. Of nothing at all it says that something is missing."""
    return starred(typed, amount=amount)[:most].strip() or NOTHING_TYPED


def starred(typed: str, *, amount: bool = False) -> str:
    """The same with stars in place of what may be a PIN."""
    read, maybe = plain(typed), _NO_AMOUNT if amount else _MAYBE_PIN  # an accent hides no word
    without = _GLUED_PIN.sub(r"\1******", maybe.sub(r"\1\2******", _COURTEOUS_PIN.sub(r"\1******", read)))
    return typed if without == read else without


class Field(Generic[T]):
    """One question. `read` turns the pieces of an answer into something that can be recorded (JSON), `find` turns
    what was recorded into what the talk works with. What is `as_written` takes the rest of a line with its commas. What
    is `naming` takes the name of somebody new. With `courteous` the words that say nothing before it, and behind it at
    the end of a line, are passed over."""

    name: str
    as_written = False
    naming = False
    listed: Sequence[Any] = ()  # to be recorded for a 1, a 2 …, where the prompt has such lines
    courteous = True

    def __init__(self, prompt: Text) -> None:
        self.prompt = prompt

    async def read(self, turn: Turn, answer: str) -> Any:
        """What to record. Raises Invalid."""
        raise NotImplementedError

    async def find(self, turn: Turn, recorded: Any) -> T:
        return recorded  # type: ignore[no-any-return]

    async def labels(self, turn: Turn, recorded: Any) -> list[tuple[str, Text]]:
        """Where several things fit the answer: what they are, to choose one of. `find` gets its value."""
        return []

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        """How many of the pieces of a one-line command belong to this answer: people write long numbers with
        spaces."""
        return 1


class Amount(Field[int]):
    """Money that can be paid in cash, in minor units."""

    name = "amount"

    async def read(self, turn: Turn, answer: str) -> int:
        """A no to the question leaves the talk, but for a 2, which is a number here."""
        if answer != "2" and declines(answer) and not turn.one_line:
            turn.leave()
        company = turn.company
        amount = amounts.read_minor(answer, company.currency, company.exponent, company.coin)
        if amount is None:
            raise Invalid(_not_clear(answer, company))
        if not amount:
            raise Invalid(_("{answer} is not an amount.", answer=echo(answer, amount=True)))
        if amount > company.most:
            raise Invalid(_("{answer} is too much.", answer=echo(answer, amount=True)))
        if amount % company.coin:
            less = amount // company.coin * company.coin
            raise Invalid(no_coins(less, less + company.coin, company))
        return amount

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        """The currency stands apart as we print it, TZS 5,000; what makes the number another one is part of it too."""
        return amounts.count_pieces(pieces)


def no_coins(less: int, more: int, company: Company) -> Text:
    """That nobody can pay an amount in cash, and what is next to it; `less` may be nothing."""
    values = {"coin": company.money(company.coin), "more": company.typed(more)}
    if not less:
        return _("The smallest coin is {coin}: say {more}.", **values)
    return _("The smallest coin is {coin}: say {less} or {more}.", less=company.typed(less), **values)


def _not_clear(answer: str, company: Company) -> Text:
    """How to write what was probably meant: it is money, so nobody guesses."""
    currency = company.currency
    probable = amounts.probable_amount(answer, currency)
    said = echo(answer, amount=True)
    if probable and probable * company.unit <= company.most:
        return _("{answer} is not clear: write {amount}.", answer=said, amount=probable)
    return _("{answer} is not clear: write {currency} in digits, like 5000.", answer=said, currency=currency)


class PhoneNumber(Field[str]):
    """A telephone number in any spelling."""

    name = "phone"

    async def read(self, turn: Turn, answer: str) -> str:
        try:
            return numbers.parse(answer, turn.company.country)
        except ValueError as error:
            raise Invalid(_("{answer} is not a phone number.", answer=echo(answer, 15))) from error

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        for count in range(min(len(pieces), 5), 1, -1):
            with suppress(ValueError):
                numbers.parse("".join(pieces[:count]), turn.company.country)
                return count
        return 1


class Pin(Field[bool]):
    """An agent's PIN, compared and never recorded: only that it was right. Ends the talk when it locks, and when it is
    one that the office gave to be `changing` first."""

    name = "pin"

    def __init__(self, prompt: Text, agent: Agent | None = None, *, changing: bool = False) -> None:
        super().__init__(prompt)
        self._agent, self._changing = agent, changing

    async def read(self, turn: Turn, answer: str) -> bool:
        agent = self._agent or turn.agent
        typed = re.sub(r"[\s-]", "", answer)
        if not re.fullmatch(rf"\d{{{PIN_DIGITS}}}", typed):  # a slip: it can be nobody's PIN, so it is no try
            raise Invalid(_("A PIN has six digits."))
        checked = await pins.check(agent, typed, turn.company.vault)
        if checked.verdict is pins.Verdict.LOCKED:
            turn.stop(_("Locked: too many wrong PINs. Nothing was done. Call {help}.", help=turn.company.help_phone))
        if checked.verdict is pins.Verdict.WRONG:
            raise Invalid(_n("Wrong PIN, {n} try left.", "Wrong PIN, {n} tries left.", checked.tries_left))
        if checked.verdict is pins.Verdict.EXPIRED:
            turn.stop(
                _("This PIN is over. Nothing was done. Call {help} for another one.", help=turn.company.help_phone)
            )
        if checked.verdict is pins.Verdict.ONCE and not self._changing:
            keyword = turn.commands.by_name["pin"].keyword
            turn.stop(_("First choose your own PIN, nothing was done. Send: {keyword} old new", keyword=keyword))
        return True


class NewPin(Field[str]):
    """A PIN to be. What is recorded is its hash, as the agent's row will hold it."""

    name = "new pin"

    async def read(self, turn: Turn, answer: str) -> str:
        if pins.is_weak(answer):
            raise Invalid(_("Six digits, not all alike, not in a row."))
        agent, vault = turn.person.agent, turn.company.vault
        if agent and agent.pin_expires_at and await pins.is_right(answer, agent.pin_hash, vault):
            raise Invalid(_("This is the PIN from the office. Choose another one."))
        return await pins.hash_beside(answer, vault)


class SamePin(Field[bool]):
    """The new PIN once more."""

    name = "same pin"

    def __init__(self, prompt: Text, hashed: str) -> None:
        super().__init__(prompt)
        self._hashed = hashed

    async def read(self, turn: Turn, answer: str) -> bool:
        if not await pins.is_right(answer, self._hashed, turn.company.vault):
            raise Invalid(_("The PINs differ."))
        return True
