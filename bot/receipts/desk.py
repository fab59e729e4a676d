"""Where receipt texts are decided on: paid, seen already, waiting for a person, or about something else.

A text becomes a payment by itself only when all of it fits: it came to one of our phones, to a SIM card that the office
has bound to the operator, from the operator's name, whole and in the operator's words, in time, with a new reference,
and with the balance that the wallet must have after it. All else is kept and waits for a person. What is decided is
written in the unit of work that handles the text, so that a crash in between repeats it and pays once.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.company import Company
from bot.receipts import reasons
from bot.receipts.reading import Found, names_wallet, same_name, speaks_of, too_long, understand
from bot.receipts.rules import list_providers, list_rules, shipped_rules
from bot.receipts.shipped import RULES, Rule, Way
from bot.text.i18n import N_, Reason
from bot.text.numbers import Sender, SenderKind
from models.alerts import raise_alert
from models.audit import record
from models.messages import Phone, read_sims
from models.messages.phones import phone_id
from models.money import receipt_texts as kept
from models.money.receipt_texts import ReceiptText, ReceiptWallet, TextState
from models.money.receiving import Incoming, Source, find_payment, normal_reference
from models.money.reconciling import is_out_of_books
from models.rows import find_row
from models.sql import DAY_MS

# Books money that came in, applies it and tells who has to know, in the caller's unit of work.
Book = Callable[[Incoming], Awaitable[None]]
# Texts overtake each other by minutes, and a person may look on Monday at what came on Friday.
CHAIN_MS = 3 * DAY_MS
CHAIN = 50  # texts that may have waited for one
LEAST_LENGTH = 40  # characters of a receipt


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A text from an operator's name, as a gateway phone got it."""

    inbox_id: int
    gateway: str
    sim: int  # 0 where the phone did not say
    sender: Sender
    text: str
    reached_at: int  # ms

    @property
    def arrived(self) -> datetime:
        return datetime.fromtimestamp(self.reached_at / 1000, UTC)


@dataclass(frozen=True)
class Verdict:
    """What becomes of a text, and why."""

    state: TextState
    why: Reason | None = None
    payment_id: int | None = None


class Receipts:
    """Takes texts of operators, and what the office says of those that wait. Call within a unit of work."""

    def __init__(self, company: Company, book: Book) -> None:
        self._company, self._vault, self._book = company, company.vault, book

    async def take(self, heard: Heard) -> str:
        """Decide on a text: a word for the inbox, or nothing when it is none of an operator's."""
        if not phone_id(heard.gateway) or heard.sender.kind is not SenderKind.ALPHA:
            return ""
        wallets = await kept.list_wallets()
        phone = await find_row(Phone, "id = $1", [phone_id(heard.gateway)]) if wallets else None
        if phone is None:  # nobody has asked for it
            return ""
        sim = heard.sim or _only_sim(phone)
        wallet = next((each for each in wallets if (each.phone_id, each.sim) == (phone.id, sim)), None)
        rules = await list_rules(self._company)
        found = understand(heard.text, rules, self._company, heard.arrived)
        verdict = judge(heard, sim, wallet, rules, found)
        if verdict is None:
            return ""
        if wallet and found:
            verdict = await self._weigh(heard, phone, wallet, found, verdict)
        await self._keep(heard, sim, found, verdict)
        if wallet and verdict.state in (TextState.PAID, TextState.SEEN, TextState.IGNORED):
            await self._go_on(phone, wallet, rules)
        return f"receipt {verdict.state}"

    def is_forwarded(self, text: str) -> bool:
        """Whether a text of a person is an operator's, forwarded or typed, of who pays or of who is paid."""
        if len(text) < LEAST_LENGTH or not any(map(str.isdigit, text)):
            return False
        return any(rule.template.references(text) for rule in shipped_rules(self._company))

    def speaks_of_money(self, sender: str, text: str) -> bool:
        """Whether an operator's text is about money that moved, or it or its sender names a wallet, and not about
        airtime or advertisements."""
        return bool(speaks_of(text)) or names_wallet(sender) or names_wallet(text)

    async def keep_aside(self, heard: Heard, error: str) -> bool:
        """Keep a text that broke us, for a person; False when it is none of an operator's."""
        if not phone_id(heard.gateway) or heard.sender.kind is not SenderKind.ALPHA or not await kept.list_wallets():
            return False
        if not any(same_name(heard.sender.value, rule.senders) for rule in RULES):
            return False
        await self._keep(heard, heard.sim, None, Verdict(TextState.WAITING, Reason(reasons.BROKEN, error=error)))
        return True

    async def _weigh(
        self, heard: Heard, phone: Phone, wallet: ReceiptWallet, found: Found, verdict: Verdict
    ) -> Verdict:
        """Look at what is known already: the payment, and the balance before. What passes is booked."""
        await kept.hold_wallet(wallet)
        if found.rule.way is Way.OUT:
            await self._follow_money_out(wallet, found)
            return verdict
        if verdict.state is not TextState.PAID:
            return verdict
        known = await find_payment(found.provider, normal_reference(found.reference))
        doubt = await doubt_of(self._company, wallet, found)
        if doubt and (known is None or await is_out_of_books(known.id)):
            return Verdict(TextState.WAITING, doubt)
        if known and known.amount != found.amount:
            money = self._company.money(known.amount)
            other = Reason(reasons.OTHER_AMOUNT, reference=found.reference, money=money)
            return Verdict(TextState.WAITING, other)
        incoming = self._incoming(found, heard.arrived, _seen_by(phone, wallet.sim))
        if doubt:  # the money is there, but who was shown its reference may have made up whose it is
            incoming = replace(incoming, account_text="", payer_phone="")
        payment_id = await self._take_payment(incoming)
        if found.balance is not None and (known is None or _continues(wallet, found)):
            await kept.move_balance(wallet, found.rule.purse, found.balance)
        await kept.settle_twins(phone.gateway, found.reference, found.amount, payment_id)
        if known is None:
            return Verdict(TextState.PAID, payment_id=payment_id)
        return Verdict(TextState.SEEN, Reason(reasons.KNOWN), payment_id)

    async def _take_payment(self, incoming: Incoming) -> int:
        """Book money that came in: the id of the payment, which another source may have told of before."""
        await self._book(incoming)
        payment = await find_payment(incoming.provider, normal_reference(incoming.reference))
        if payment is None:
            raise LookupError(f"{incoming.provider} {incoming.reference} was not booked")
        return int(payment.id)

    async def _follow_money_out(self, wallet: ReceiptWallet, found: Found) -> None:
        """Know the balance that money left behind which went out, when it is the one to be expected."""
        last = wallet.last_balance(found.rule.purse)
        named = not found.doubts and wallet.operator == found.rule.operator
        if named and last is not None and found.balance == last - found.amount - found.fee:
            await kept.move_balance(wallet, found.rule.purse, found.balance)

    async def _go_on(self, phone: Phone, wallet: ReceiptWallet, rules: Sequence[Rule]) -> None:
        """Texts that came before the one that they follow on have waited for it."""
        for _ in range(CHAIN):
            if not await self._take_next(phone, wallet, rules):
                return

    async def _take_next(self, phone: Phone, wallet: ReceiptWallet, rules: Sequence[Rule]) -> bool:
        """Take the first text that waits and follows on the balance now; False when none does."""
        since = int(datetime.now(UTC).timestamp() * 1000) - CHAIN_MS
        for row in await kept.waiting_of(phone.gateway, wallet.sim, since, reasons.GAP):
            heard = self._heard_again(row)
            found = understand(heard.text, rules, self._company, heard.arrived)
            if found is None or not _continues(wallet, found):
                continue
            verdict = judge(heard, wallet.sim, wallet, rules, found)
            if verdict is None or verdict.state is not TextState.PAID:
                continue
            verdict = await self._weigh(heard, phone, wallet, found, verdict)
            if verdict.state is TextState.WAITING:
                continue
            await self._decide(row, found, verdict)
            return True
        return False

    def _heard_again(self, row: ReceiptText) -> Heard:
        return Heard(
            inbox_id=row.inbox_id,
            gateway=row.gateway,
            sim=row.sim,
            sender=Sender(SenderKind.ALPHA, row.sender),
            text=kept.open_text(self._vault, row),
            reached_at=row.received_at,
        )

    def _incoming(self, found: Found, arrived: datetime, seen_by: str) -> Incoming:
        return Incoming(
            source=Source.TEXT,
            provider=found.provider,
            reference=found.reference,
            amount=found.amount,
            paid_at=found.moment or arrived,
            payer_phone=found.phone,
            payer_name=found.name,
            account_text=found.account,
            balance_after=found.balance,
            seen_by=seen_by,
        )

    async def _keep(self, heard: Heard, sim: int, found: Found | None, verdict: Verdict) -> None:
        """Keep a text with what was decided. The office is told of the first one that waits, not of each."""
        if verdict.state is TextState.WAITING and not await kept.is_any_waiting():
            await raise_alert("A text that money came in waits for a person: `mwanga receipts waiting`.")
        await kept.keep_text(
            self._vault,
            heard.inbox_id,
            heard.text,
            verdict.state,
            gateway=heard.gateway,
            sim=sim,
            sender=heard.sender.value[:40],
            why=_written(verdict)[: kept.LONGEST_WHY],
            rule=found.rule.name if found else "",
            reference=found.reference[:80] if found else "",
            amount=found.amount if found else None,
            balance_after=found.balance if found else None,
            payment_id=verdict.payment_id,
            received_at=heard.reached_at,
        )

    async def _decide(self, row: ReceiptText, found: Found, verdict: Verdict) -> None:
        await kept.decide(
            row.id,
            verdict.state,
            _written(verdict),
            payment_id=verdict.payment_id,
            rule=found.rule.name,
            reference=found.reference,
        )

    async def look(self, row: ReceiptText) -> tuple[str, Found | None]:
        """A kept text word by word, and what the rules of today read in it."""
        heard = self._heard_again(row)
        return heard.text, understand(heard.text, await list_rules(self._company), self._company, heard.arrived)

    async def payment_of(
        self,
        row: ReceiptText,
        *,
        provider: str = "",
        reference: str = "",
        amount: int | None = None,
        serial: str = "",
    ) -> Incoming:
        """What is booked when a person accepts a text: what its rule reads, but for what the person says instead. Money
        is in minor units. Raises Reason."""
        _text, found = await self.look(row)
        seen_by, arrived = f"{row.gateway} SIM {row.sim}", datetime.fromtimestamp(row.received_at / 1000, UTC)
        if provider and provider not in (known := await list_providers(self._company)):
            raise Reason(N_("{provider} is none of {known}."), provider=provider, known=", ".join(sorted(known)))
        if found:
            payment = self._incoming(found, arrived, seen_by)
        elif provider and reference and amount:
            payment = Incoming(
                source=Source.TEXT,
                provider=provider,
                reference=reference,
                amount=amount,
                paid_at=arrived,
                seen_by=seen_by,
            )
        else:
            raise Reason(N_("No rule reads it: say the provider, the reference and the amount, or add a rule."))
        payment = replace(
            payment,
            provider=provider or payment.provider,
            reference=_reference(reference or payment.reference),
            amount=payment.amount if amount is None else amount,
            account_text=serial or payment.account_text,
        )
        if payment.amount <= 0:
            raise Reason(reasons.NOTHING)
        return payment

    async def accept(self, text_id: int, payment: Incoming, *, actor: str) -> bool:
        """Book a text that waited as this payment, since a person has looked at it; False when it was known before. The
        texts that follow on its balance are taken with it. Raises NotWaiting."""
        row = await kept.hold_waiting(text_id)
        new = await find_payment(payment.provider, normal_reference(payment.reference)) is None
        payment_id = await self._take_payment(payment)
        _text, found = await self.look(row)
        state, rule = TextState.PAID if new else TextState.SEEN, found.rule.name if found else ""
        await kept.decide(row.id, state, f"by {actor}", payment_id=payment_id, rule=rule, reference=payment.reference)
        await record(actor, "receipt accepted", payment.reference, _said(row, payment))
        if found and found.balance is not None:
            await self._believe(row, found, found.balance)
        return new

    async def _believe(self, row: ReceiptText, found: Found, balance: int) -> None:
        """The balance of a text that a person has accepted is the one to go on from, unless later ones were paid."""
        wallet = await ReceiptWallet.get_or_none(phone_id=phone_id(row.gateway), sim=row.sim)
        if wallet is None or wallet.operator != found.rule.operator:
            return
        await kept.hold_wallet(wallet)
        rules = await list_rules(self._company)
        if await kept.is_newest(row, [rule.name for rule in rules if rule.purse == found.rule.purse]):
            await kept.move_balance(wallet, found.rule.purse, balance)
            await self._go_on(await Phone.get(id=wallet.phone_id), wallet, rules)

    async def refuse(self, text_id: int, *, actor: str) -> None:
        """Say of a text that waited that it is no payment. Raises NotWaiting."""
        row = await kept.hold_waiting(text_id)
        await kept.decide(row.id, TextState.REFUSED, f"by {actor}", rule=row.rule, reference=row.reference)
        await record(actor, "receipt refused", row.reference or f"text {row.id}", row.why)


async def doubt_of(company: Company, wallet: ReceiptWallet, found: Found) -> Reason | None:
    """Why a text that fits is not believed yet; None when it is."""
    if await kept.was_refused(found.reference):
        return Reason(reasons.REFUSED_BEFORE, reference=found.reference)
    return weigh_balance(company, wallet, found)


def weigh_balance(company: Company, wallet: ReceiptWallet, found: Found) -> Reason | None:
    """Why the balance in a text speaks against it; None when it goes on from the last one."""
    last = wallet.last_balance(found.rule.purse)
    if found.balance is None:
        return None if wallet.trusted else Reason(reasons.NO_BALANCE)
    if last is None:
        return Reason(reasons.FIRST_BALANCE)
    if not _continues(wallet, found):
        told, expected = company.number(found.balance), company.number(last + found.amount - found.fee)
        return Reason(reasons.OTHER_BALANCE, told=told, expected=expected)
    return None


def judge(
    heard: Heard, sim: int, wallet: ReceiptWallet | None, rules: Sequence[Rule], found: Found | None
) -> Verdict | None:
    """What a text is, before the books are asked: PAID where nothing in it speaks against it. None when it is no
    operator's."""
    if found is None:
        return _judge_unread(heard, sim, wallet, rules)
    doubts = doubts_of(heard, sim, wallet, found)
    if found.rule.way is Way.OUT:
        known = wallet and same_name(heard.sender.value, found.rule.senders)
        return Verdict(TextState.IGNORED, Reason(reasons.WENT_OUT)) if known else None
    return Verdict(TextState.WAITING, doubts[0]) if doubts else Verdict(TextState.PAID)


def _reference(written: str) -> str:
    """A reference as it is kept. Raises Reason."""
    try:
        return normal_reference(written)
    except ValueError as error:
        raise Reason(N_("no reference: {said}"), said=repr(written[:20])) from error


def _judge_unread(heard: Heard, sim: int, wallet: ReceiptWallet | None, rules: Sequence[Rule]) -> Verdict | None:
    """What becomes of a text that no rule fits."""
    if not any(same_name(heard.sender.value, rule.senders) for rule in rules):
        return None
    match speaks_of(heard.text):
        case "back":
            return Verdict(TextState.WAITING, Reason(reasons.TAKEN_BACK))
        case "in" if wallet is None:
            return Verdict(TextState.WAITING, _unbound(sim))
        case "in" if too_long(heard.text):
            return Verdict(TextState.WAITING, Reason(reasons.TOO_LONG))
        case "in":
            return Verdict(TextState.WAITING, Reason(reasons.NO_RULE))
        case _ if wallet is None:
            return None
        case "out":
            return Verdict(TextState.IGNORED, Reason(reasons.WENT_OUT))
    return Verdict(TextState.IGNORED, Reason(reasons.NOT_IN))


def doubts_of(heard: Heard, sim: int, wallet: ReceiptWallet | None, found: Found) -> list[Reason]:
    """What speaks against a payment, the worst first."""
    doubts = []
    if not same_name(heard.sender.value, found.rule.senders):
        doubts.append(Reason(reasons.OTHER_SENDER, sender=heard.sender.value[:20], right=found.rule.senders[0]))
    if wallet is None:
        doubts.append(_unbound(sim))
    elif wallet.operator != found.rule.operator:
        bound, operator = wallet.operator, found.rule.operator
        doubts.append(Reason(reasons.OTHER_OPERATOR, sim=sim, bound=bound, operator=operator))
    return [*doubts, *found.doubts]


def _written(verdict: Verdict) -> str:
    """The reason as it is kept: in English, by which `reasons.again` knows it."""
    return str(verdict.why or "")


def _unbound(sim: int) -> Reason:
    if not sim:
        return Reason(reasons.NO_SIM)
    return Reason(reasons.UNBOUND, sim=sim)


def _continues(wallet: ReceiptWallet, found: Found) -> bool:
    """Whether a purse has what it had after the last text, and this amount more."""
    last = wallet.last_balance(found.rule.purse)
    return last is not None and found.balance == last + found.amount - found.fee


def _only_sim(phone: Phone) -> int:
    """The SIM card of a phone that has one alone; 0 where it may be any."""
    sims = read_sims(phone.sims)
    return sims[0].number if len(sims) == 1 else 0


def _seen_by(phone: Phone, sim: int) -> str:
    return f"{phone.name[:32]} SIM {sim}"


def _said(row: ReceiptText, payment: Incoming) -> str:
    """For the audit: what was accepted, and why it had waited."""
    facts = {"text": row.id, "provider": payment.provider, "amount": payment.amount, "waited": row.why}
    return json.dumps(facts, ensure_ascii=False)
