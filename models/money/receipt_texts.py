"""Confirmations of mobile money that gateway phones receive, the rules by which they are read, and the SIM cards that
are believed. What a text says is read in bot/receipts/."""

import json
from collections.abc import Sequence
from enum import StrEnum

from tortoise import fields
from tortoise.exceptions import OperationalError
from tortoise.models import Model

from models.audit import record
from models.messages import Phone
from models.money.payments import Payment
from models.rows import find_rows
from models.sql import connection, execute, holding, holding_free, insert, lock_rows, marks
from models.vault import Vault

LONGEST_WHY = 100  # as the column
FORGET_IGNORED = """DELETE FROM receipt_text WHERE id IN (SELECT id FROM receipt_text WHERE state = 'ignored'
  AND received_at < $1 LIMIT $2) RETURNING id"""


class ReceiptRule(Model):
    """How one operator writes that money came in. The office may add its own; a row with the name of a shipped rule and
    no template says only whether that one is used."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(60, unique=True)
    provider = fields.CharField(20)  # the operator
    sender = fields.CharField(40)  # the name that such texts come from, whole
    template = fields.CharField(400)  # words, and [reference] [amount] [serial] [phone] [name] [balance] [*]
    active = fields.BooleanField(default=True, db_default=True)

    class Meta:
        table = "receipt_rule"


class ReceiptWallet(Model):
    """A SIM card of a gateway phone, and the operator whose texts to it are believed."""

    id = fields.BigIntField(primary_key=True)
    phone: fields.ForeignKeyRelation[Phone] = fields.ForeignKeyField("models.Phone", on_delete=fields.RESTRICT)
    phone_id: int
    sim = fields.SmallIntField()  # its place in the phone, from 1 on
    operator = fields.CharField(20)
    # Whether texts without a balance are payments: nobody can see then that one was made up or is missing.
    trusted = fields.BooleanField(default=False, db_default=False)
    balances = fields.TextField(default="{}", db_default="{}")  # by purse, minor units, after the last text believed

    class Meta:
        table = "receipt_wallet"
        unique_together = (("phone", "sim"),)

    def last_balance(self, purse: str) -> int | None:
        """What the last text that was believed says of a purse, in minor units; None before there was one."""
        return self.all_balances().get(purse)

    def all_balances(self) -> dict[str, int]:
        """By purse, in minor units."""
        return {str(purse): int(minor) for purse, minor in json.loads(self.balances).items()}


class TextState(StrEnum):
    PAID = "paid"
    SEEN = "seen"  # the payment was known already
    WAITING = "waiting"  # a person has to look
    IGNORED = "ignored"  # it is about no money that came in
    REFUSED = "refused"  # a person said that it is no payment


class ReceiptText(Model):
    """A text that a gateway phone got from an operator's name."""

    id = fields.BigIntField(primary_key=True)
    inbox_id = fields.BigIntField(unique=True)
    gateway = fields.CharField(40)  # the phone
    sim = fields.SmallIntField(default=0, db_default=0)
    sender = fields.CharField(40)
    sealed = fields.TextField()  # the text, encrypted
    state = fields.CharField(10)  # a TextState
    why = fields.CharField(100, default="", db_default="")
    rule = fields.CharField(60, default="", db_default="")
    reference = fields.CharField(80, default="", db_default="")  # as its rule reads it, in capitals
    amount = fields.BigIntField(null=True)  # minor units
    balance_after = fields.BigIntField(null=True)  # minor units
    payment: fields.ForeignKeyNullableRelation[Payment] = fields.ForeignKeyField(
        "models.Payment", null=True, on_delete=fields.RESTRICT
    )
    payment_id: int | None
    received_at = fields.BigIntField()  # ms, by the phone's clock

    class Meta:
        table = "receipt_text"
        indexes = (("state", "id"), ("reference",))


class NotWaiting(Exception):
    """Somebody has decided on this text already, or it never waited."""


async def list_wallets() -> list[ReceiptWallet]:
    """All SIM cards that are believed."""
    return await find_rows(ReceiptWallet, "TRUE ORDER BY id")


async def hold_wallet(wallet: ReceiptWallet) -> None:
    """Hold a wallet until the commit, and know its balances: texts of it are booked one after the other. Raises
    OperationalError for one that is believed no more: run again, there is none."""
    held = await find_rows(ReceiptWallet, f"id = $1{holding('receipt_wallet')}", [wallet.id])
    if not held:
        raise OperationalError("This SIM card was unbound meanwhile.")
    wallet.balances = held[0].balances


async def move_balance(wallet: ReceiptWallet, purse: str, balance: int) -> None:
    """Note what a text that was believed says that a purse of a held wallet has, in minor units."""
    wallet.balances = json.dumps(wallet.all_balances() | {purse: balance}, separators=(",", ":"))
    await execute(connection(), "UPDATE receipt_wallet SET balances = $2 WHERE id = $1", [wallet.id, wallet.balances])


async def bind(
    phone: Phone, sim: int, operator: str, *, trusted: bool, balance: int | None, actor: str
) -> ReceiptWallet:
    """Believe an operator's texts to a SIM card, from this balance on (minor units). Without one, a person looks at the
    first text. Call in a transaction."""
    values = {
        "operator": operator,
        "trusted": trusted,
        "balances": "{}" if balance is None else json.dumps({"main": balance}),
    }
    wallet, _new = await ReceiptWallet.update_or_create(phone=phone, sim=sim, defaults=values)
    said = ", also without a balance" if trusted else ""
    await record(actor, "receipts bound", f"{phone.name} SIM {sim}", f"{operator}{said}")
    return wallet


async def unbind(phone: Phone, sim: int, *, actor: str) -> bool:
    """Believe no texts to a SIM card any more; False when none were. Call in a transaction."""
    gone = await ReceiptWallet.filter(phone_id=phone.id, sim=sim).delete()
    if gone:
        await record(actor, "receipts unbound", f"{phone.name} SIM {sim}")
    return bool(gone)


async def keep_text(vault: Vault, inbox_id: int, text: str, state: TextState, **values: object) -> int:
    """Keep a text as it came, with what was decided. The inbox stars digits in its own copy, and empties it one day."""
    sealed = vault.seal(text, _purpose(inbox_id))
    return await insert("receipt_text", inbox_id=inbox_id, sealed=sealed, state=state.value, **values)


def open_text(vault: Vault, row: ReceiptText) -> str:
    """What a kept text says, word by word. Raises Sealed."""
    return vault.open(row.sealed, _purpose(row.inbox_id))


async def hold_waiting(text_id: int) -> ReceiptText:
    """A text that waits, held until the commit. Raises NotWaiting."""
    await lock_rows("receipt_text", "id = $1", [text_id])
    row = await ReceiptText.get_or_none(id=text_id)
    if row is None:
        raise NotWaiting(f"There is no receipt text {text_id}.")
    if row.state != TextState.WAITING:
        raise NotWaiting(f"Receipt text {text_id} waits no more: it is {row.state}.")
    return row


async def decide(
    text_id: int, state: TextState, why: str, *, payment_id: int | None = None, rule: str = "", reference: str = ""
) -> None:
    """Write what became of a text that waited."""
    statement = """UPDATE receipt_text SET state = $2, why = $3, payment_id = $4, rule = $5, reference = $6
      WHERE id = $1"""
    values = [text_id, state.value, why[:LONGEST_WHY], payment_id, rule, reference]
    await execute(connection(), statement, values)


async def waiting_texts() -> list[ReceiptText]:
    """All texts that wait for a person, the oldest first."""
    return await ReceiptText.filter(state=TextState.WAITING.value).order_by("id")


async def is_any_waiting() -> bool:
    return bool(await execute(connection(), "SELECT 1 FROM receipt_text WHERE state = 'waiting' LIMIT 1"))


async def waiting_of(gateway: str, sim: int, since: int, why: str) -> list[ReceiptText]:
    """Texts to a SIM card that came since then (ms) and wait for a reason that begins so, the oldest first; held, but
    for those on which somebody decides now."""
    condition = "state = 'waiting' AND gateway = $1 AND sim = $2 AND received_at >= $3 AND why LIKE $4 ORDER BY id"
    return await find_rows(ReceiptText, condition + holding_free(), [gateway, sim, since, f"{why}%"])


async def settle_twins(gateway: str, reference: str, amount: int, payment_id: int) -> None:
    """An operator may write of one payment twice, in two languages: the other text waits no more."""
    statement = """UPDATE receipt_text SET state = 'seen', why = 'This payment was known already.', payment_id = $4
      WHERE state = 'waiting' AND gateway = $1 AND reference = $2 AND amount = $3"""
    await execute(connection(), statement, [gateway, reference, amount, payment_id])


async def was_refused(reference: str) -> bool:
    """Whether a person has said of a text with this reference that it is no payment."""
    refused = """SELECT 1 FROM receipt_text WHERE id IN (SELECT id FROM receipt_text WHERE reference = $1)
      AND state = 'refused' LIMIT 1"""  # SQLite would look at all that were refused
    return bool(await execute(connection(), refused, [reference]))


async def is_newest(row: ReceiptText, rules: Sequence[str]) -> bool:
    """Whether no later text to this SIM card, read by one of these rules, has become a payment."""
    statement = f"""SELECT 1 FROM receipt_text WHERE gateway = $1 AND sim = $2 AND id > $3
      AND state IN ('paid', 'seen') AND rule IN ({marks(len(rules), 4)}) LIMIT 1"""
    return not await execute(connection(), statement, [row.gateway, row.sim, row.id, *rules])


async def reseal_receipts(vault: Vault) -> int:
    """Put all kept texts under the vault's key: how many there were under the former one. Raises Sealed."""
    rows = await execute(connection(), "SELECT id, inbox_id, sealed FROM receipt_text")
    changed = [row for row in rows if not vault.has_made(row["sealed"])]
    for row in changed:
        sealed = vault.reseal(row["sealed"], _purpose(row["inbox_id"]))
        await execute(connection(), "UPDATE receipt_text SET sealed = $1 WHERE id = $2", [sealed, row["id"]])
    return len(changed)


def _purpose(inbox_id: int) -> str:
    """What a sealed text is bound to: it opens in no other row."""
    return f"receipt text {inbox_id}"
