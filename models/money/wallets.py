"""Wallets of agents who pay before they sell: topped up by the office or by mobile money, and spent by sales."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.money.ledger import AccountKind, Posting, balance, cash_held, commission_due, post
from models.money.payments import Payment
from models.money.receiving import close_suspense
from models.money.references import hold_reference, new_reference
from models.money.reservations import promised_by
from models.people import Agent
from models.rows import find_row, read_row
from models.sql import connection, execute, insert, lock_rows, marks

WALLET = re.compile(r"W[-.]?([1-9][0-9]{0,8})")  # W12: the wallet of the agent with this number
# What wallets got of a payment, and have not given back for it.
GOT = """SELECT a.owner, -SUM(l.amount) AS amount FROM line l JOIN account a ON a.id = l.account_id
  WHERE a.kind = 'wallet' AND l.entry_id IN (SELECT m.entry_id FROM line m JOIN account u ON u.id = m.account_id
    WHERE u.kind = 'unapplied' AND u.owner = $1) GROUP BY a.owner HAVING SUM(l.amount) < 0 ORDER BY a.owner"""
HAS_WALLET = "prepaid AND retired_at IS NULL"
LONGEST_REFERENCE = 20  # as much as one SMS has room for
SAME_WINDOW = timedelta(hours=24)


class TopUp(Model):
    """What came into a wallet other than by a sale, append only; below 0 it was paid out. Money is in minor units."""

    id = fields.BigIntField(primary_key=True)
    reference = fields.CharField(LONGEST_REFERENCE, unique=True)
    agent: fields.ForeignKeyRelation[Agent] = fields.ForeignKeyField("models.Agent", on_delete=fields.RESTRICT)
    agent_id: int
    amount = fields.BigIntField()  # what the agent paid, or got
    commission = fields.BigIntField(default=0, db_default=0)  # what was due and came in with it
    # By mobile money, the first time that it came in; without one the office counted it, or it is more or less of a
    # payment whose amount was put right.
    payment: fields.OneToOneNullableRelation[Payment] = fields.OneToOneField(
        "models.Payment", null=True, on_delete=fields.RESTRICT
    )
    payment_id: int | None
    actor = fields.CharField(100)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "top_up"
        indexes = (("agent_id", "created_at"),)


@dataclass(frozen=True)
class ToppedUp:
    """A booked top-up, and what is in the wallet now, in minor units."""

    entry: TopUp
    wallet: int
    new: bool  # False: it was booked before

    @property
    def before(self) -> int:
        """What was in the wallet, where nothing else came since."""
        return int(self.wallet - self.entry.amount - self.entry.commission)


@dataclass(frozen=True)
class TakenOut:
    """What a payment that was less than it said took out of a wallet again. Money is in minor units."""

    agent: Agent
    amount: int
    missing: int  # what the agent got too much, and has used or promised
    wallet: int  # what is in it now


class NotToppedUp(Exception):
    """Nothing was booked."""


class NotPrepaid(NotToppedUp):
    """The agent sells up to a limit and has no wallet, or sells no more."""


class OtherTopUp(NotToppedUp):
    """The reference names another top-up: of another agent or another amount."""


class ToppedUpBefore(NotToppedUp):
    """The same agent paid the same amount within 24 hours: somebody may book it a second time."""

    def __init__(self, earlier: TopUp) -> None:
        super().__init__(earlier.reference)
        self.earlier = earlier


class NotInWallet(NotToppedUp):
    """There is less in the wallet; `there` is in minor units."""

    def __init__(self, there: int) -> None:
        super().__init__(there)
        self.there = there


class NothingUnapplied(NotToppedUp):
    """All of this payment is for something already."""


class HasMoney(Exception):
    """The agent holds cash, or has money in the wallet: `amount`, in minor units."""

    def __init__(self, amount: int) -> None:
        super().__init__(amount)
        self.amount = amount


def funds_of(agent: Agent) -> AccountKind:
    """Which account of an agent a sale moves: the wallet, or the cash that is held."""
    return AccountKind.WALLET if agent.prepaid else AccountKind.CASH


async def find_prepaid(typed: str, phone: str) -> Agent | None:
    """The agent with a wallet whom somebody means who writes this as the account: W12, or the agent's phone (E.164;
    empty where it is none)."""
    number = WALLET.fullmatch("".join(typed.upper().split()))
    if number:
        return await with_wallet(int(number[1]))
    return await find_row(Agent, f"phone = $1 AND {HAS_WALLET}", [phone]) if phone else None


async def with_wallet(agent_id: int | None) -> Agent | None:
    """This agent, if there is one and he has a wallet now."""
    return await find_row(Agent, f"id = $1 AND {HAS_WALLET}", [agent_id]) if agent_id else None


async def in_wallet(agent_id: int) -> int:
    """What an agent can sell for, in minor units."""
    return -await balance(AccountKind.WALLET, agent_id)


async def held_by(agent: Agent) -> int:
    """What is in the account that this agent's sales move, as the agent reads it."""
    return await in_wallet(agent.id) if agent.prepaid else await cash_held(agent.id)


async def top_up(
    agent: Agent, amount: int, actor: str, reference: str = "", *, coin: int = 1, again: bool = False
) -> ToppedUp:
    """Book money (minor units) that the office took for a wallet, and put in the commission that is due, in the
    caller's transaction. The same reference books once, and the same amount within 24 hours only `again`. Raises
    NotPrepaid, OtherTopUp and ToppedUpBefore."""
    if reference:
        await hold_reference("top_up", reference)
    await _lock_prepaid(agent)
    if reference and (earlier := await TopUp.get_or_none(reference=reference)):
        if (earlier.agent_id, earlier.amount) != (agent.id, amount):
            raise OtherTopUp(reference)
        return ToppedUp(earlier, await in_wallet(agent.id), new=False)
    if not again and (same := await _newest(agent, amount)):
        raise ToppedUpBefore(same)
    return await _book(agent, amount, actor, Posting(AccountKind.OFFICE, 0, amount), reference=reference, coin=coin)


async def top_up_wallet(payment_id: int, agent: Agent, actor: str, *, coin: int = 1, again: bool = False) -> ToppedUp:
    """Put all that is unapplied of a payment into an agent's wallet, in the caller's transaction; once, and what waits
    of it later only `again`, as somebody of the office says. Raises NotPrepaid and NothingUnapplied."""
    await lock_rows("payment", "id = $1", [payment_id])
    await _lock_prepaid(agent)
    earlier = await find_row(TopUp, "payment_id = $1", [payment_id])
    if earlier and not again:
        return ToppedUp(earlier, await in_wallet(agent.id), new=False)
    amount = -await balance(AccountKind.UNAPPLIED, payment_id)
    if amount <= 0:
        raise NothingUnapplied(payment_id)
    taken = Posting(AccountKind.UNAPPLIED, payment_id, amount)
    booked = await _book(agent, amount, actor, taken, payment_id=None if earlier else payment_id, coin=coin)
    await close_suspense(payment_id, actor)
    return booked


async def pay_out(agent: Agent, amount: int, actor: str, *, coin: int = 1) -> ToppedUp:
    """Give an agent money (minor units) out of the wallet, with the commission that is due put in before, in the
    caller's transaction; what a customer's request holds back stays. Raises NotInWallet, also for somebody who never
    had a wallet."""
    await _hold(agent)
    there = await in_wallet(agent.id) + (await _due(agent, coin) if agent.prepaid else 0)
    there -= (await promised_by([agent.id])).get(agent.id, 0)
    if not 0 < amount <= there:
        raise NotInWallet(max(there, 0))
    return await _book(agent, -amount, actor, Posting(AccountKind.OFFICE, 0, -amount), coin=coin)


async def take_out(payment_id: int, most: int, actor: str, reason: str) -> list[TakenOut]:
    """A payment that is in wallets was `most` less (minor units): take that out of them, as far as it is there and not
    promised to customers, and let it wait again; in the caller's transaction that holds the payment."""
    rows = await execute(connection(), GOT, [payment_id])
    if not rows:
        return []
    ids = [int(row["owner"]) for row in rows]
    await lock_rows("agent", f"id IN ({marks(len(ids))})", ids)
    promised, out = await promised_by(ids), []
    for row in rows:
        agent, wanted = await Agent.get(id=row["owner"]), min(int(row["amount"]), most)
        there = await in_wallet(agent.id) - promised.get(agent.id, 0)
        taken = max(min(wanted, there), 0)
        if taken:
            await _write_taken(agent, taken, payment_id, actor, reason)
        if wanted:
            out.append(TakenOut(agent, taken, wanted - taken, await in_wallet(agent.id)))
        most -= wanted
    return out


async def _write_taken(agent: Agent, amount: int, payment_id: int, actor: str, reason: str) -> None:
    columns = {
        "reference": await new_reference("top_up"),
        "agent_id": agent.id,
        "amount": -amount,
        "commission": 0,
        "actor": actor,
        "created_at": datetime.now(UTC),
    }
    number = await insert("top_up", **columns)
    back = [Posting(AccountKind.WALLET, agent.id, amount), Posting(AccountKind.UNAPPLIED, payment_id, -amount)]
    await post(f"top up {number}", back, actor=actor, reason=reason)
    await record(actor, "taken out of wallet", agent.phone, f"{amount} minor units of payment {payment_id}: {reason}")


async def make_prepaid(agent: Agent, actor: str) -> None:
    """Let an agent sell from a wallet from now on, in the caller's transaction. Raises HasMoney while cash is held."""
    await _hold(agent)
    if held := await cash_held(agent.id):
        raise HasMoney(held)
    await _change(agent, actor, prepaid=True)


async def make_postpaid(agent: Agent, actor: str) -> None:
    """Let an agent sell up to the limit from now on, in the caller's transaction. Raises HasMoney while the wallet is
    not empty."""
    await _hold(agent)
    if there := await in_wallet(agent.id):
        raise HasMoney(there)
    await _change(agent, actor, prepaid=False)


async def _change(agent: Agent, actor: str, *, prepaid: bool) -> None:
    if agent.prepaid != prepaid:
        await Agent.filter(id=agent.id).update(prepaid=prepaid)
        await record(actor, "agent prepaid", agent.phone, old=str(agent.prepaid), new=str(prepaid))
        agent.prepaid = prepaid


async def _lock_prepaid(agent: Agent) -> None:
    if not await _hold(agent) or not agent.prepaid:
        raise NotPrepaid(agent.phone)


async def _hold(agent: Agent) -> bool:
    """Hold an agent until the commit, who has a wallet or none as it is now, from here on. False: he sells no more."""
    await lock_rows("agent", "id = $1", [agent.id])
    [row] = await execute(connection(), "SELECT prepaid, retired_at FROM agent WHERE id = $1", [agent.id])
    agent.prepaid = bool(row["prepaid"])
    return row["retired_at"] is None


async def _newest(agent: Agent, amount: int) -> TopUp | None:
    since = datetime.now(UTC) - SAME_WINDOW
    return await TopUp.filter(agent_id=agent.id, amount=amount, created_at__gte=since).order_by("-id").first()


async def _due(agent: Agent, coin: int) -> int:
    """The commission that comes into the wallet: whole coins."""
    return max(await commission_due(agent.id), 0) // coin * coin


async def _book(
    agent: Agent,
    amount: int,
    actor: str,
    against: Posting,
    *,
    reference: str = "",
    payment_id: int | None = None,
    coin: int,
) -> ToppedUp:
    """The row and its entries. The commission comes first: it may be what is paid out."""
    commission = await _due(agent, coin) if agent.prepaid else 0
    columns = {
        "reference": reference or await new_reference("top_up"),
        "agent_id": agent.id,
        "amount": amount,
        "commission": commission,
        "payment_id": payment_id,
        "actor": actor,
        "created_at": datetime.now(UTC),
    }
    entry = read_row(TopUp, {"id": await insert("top_up", **columns), **columns})
    if commission:
        paid = Posting(AccountKind.COMMISSION, agent.id, commission)
        lines = [paid, Posting(AccountKind.WALLET, agent.id, -commission)]
        await post(f"top up {entry.id} commission", lines, actor=actor)
    await post(f"top up {entry.id}", [against, Posting(AccountKind.WALLET, agent.id, -amount)], actor=actor)
    detail = f"{amount} minor units, commission {commission} minor units, ref {entry.reference}"
    await record(actor, "top up" if amount > 0 else "pay out", agent.phone, detail)
    return ToppedUp(entry, await in_wallet(agent.id), new=True)
