"""Sales that are taken back: who asked, who agreed, and what came of it."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.alerts import raise_alert
from models.audit import record
from models.people import Agent, Customer, OfficeUser
from models.people.two_people import check_second
from models.selling.sales import LONGEST_REFERENCE, Sale
from models.selling.taking_back import NotTakenBack, TakenBack, check_possible, lock_sale, take_back
from models.sql import connection, execute

AUTOMATIC = "mwanga"  # who decides where no token was made


class VoidState(StrEnum):
    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


class Void(Model):
    """One sale that somebody wants taken back. What is done is the reversing entries of the ledger."""

    id = fields.BigIntField(primary_key=True)
    sale: fields.ForeignKeyRelation[Sale] = fields.ForeignKeyField("models.Sale", on_delete=fields.RESTRICT)
    sale_id: int
    reason = fields.CharField(200)
    asked_by = fields.CharField(100)  # an agent's phone, or an office user
    asked_at = fields.DatetimeField()
    state = fields.CharField(10, default=VoidState.ASKED)
    decided_by = fields.CharField(100, default="", db_default="")  # somebody else
    decided_at = fields.DatetimeField(null=True)


class AskedTooLate(NotTakenBack):
    """The time in which an agent may ask is over."""


class AskedBefore(NotTakenBack):
    """The office knows already."""


class NobodyAsked(NotTakenBack):
    """Nobody wants this sale taken back; who of the office does has to say why."""


async def find_own_sale(agent: Agent, reference: str) -> Sale | None:
    """This agent's sale of this reference."""
    if len(reference.upper()) > LONGEST_REFERENCE:
        return None
    return await Sale.get_or_none(agent_id=agent.id, reference=reference.upper())


async def void_of(sale: Sale) -> Void | None:
    """What became of the newest wish to take a sale back."""
    return await Void.filter(sale_id=sale.id).order_by("-id").first()


async def ask(sale: Sale, agent: Agent, reason: str, minutes: int, *, today: date) -> TakenBack | None:
    """An agent wants a sale taken back, within so many minutes of it, in the caller's transaction. Where the office
    decides None is returned; else it is taken back at once. The office has an alert of both. Raises NotTakenBack's
    kinds."""
    await lock_sale(sale)
    await _check_open(sale)
    if datetime.now(UTC) - sale.created_at > timedelta(minutes=minutes):
        raise AskedTooLate(sale.reference)
    if not await office_decides(sale, agent):
        await raise_alert(f"{agent.name[:40]} has taken sale {sale.reference} back, without the office. {reason}")
        await _note(sale, agent.phone, reason, VoidState.DONE, AUTOMATIC)
        await record(agent.phone, "void", sale.reference, f"{sale.amount} minor units, no token: {reason}")
        return await take_back(sale, agent.phone, reason, today)
    await _note(sale, agent.phone, reason, VoidState.ASKED)
    await record(agent.phone, "void asked", sale.reference, f"{sale.amount} minor units: {reason}")
    await raise_alert(f"{agent.name[:40]} wants sale {sale.reference} void. `mwanga sale void`. {reason}")
    return None


async def approve(sale: Sale, by: OfficeUser, reason: str = "", *, today: date) -> TakenBack | None:
    """One of the office takes back a sale that somebody else wants taken back, in the caller's transaction. Where
    nobody did, it is written down with the reason, for another one to approve, and None is returned. Raises
    NotTakenBack's kinds and SamePerson."""
    await lock_sale(sale)
    asked = await void_of(sale)
    if asked is None or asked.state == VoidState.REFUSED:
        if not reason:
            raise NobodyAsked(sale.reference)
        await _check_open(sale)
        await _note(sale, by.name, reason, VoidState.ASKED)
        await record(by.name, "void asked", sale.reference, f"{sale.amount} minor units: {reason}")
        return None
    check_second(by.name, asked.asked_by)
    await check_possible(sale)
    await _decide(asked, VoidState.DONE, by)
    await record(by.name, "void", sale.reference, f"{sale.amount} minor units, as {asked.asked_by}: {asked.reason}")
    return await take_back(sale, by.name, asked.reason, today)


async def refuse(sale: Sale, by: OfficeUser) -> Void:
    """One of the office lets a sale stand, in the caller's transaction. Raises NobodyAsked."""
    await lock_sale(sale)
    asked = await void_of(sale)
    if asked is None or asked.state != VoidState.ASKED:
        raise NobodyAsked(sale.reference)
    await _decide(asked, VoidState.REFUSED, by)
    await record(by.name, "void refused", sale.reference, f"asked by {asked.asked_by}: {asked.reason}")
    return asked


async def asked_for() -> list[Void]:
    """All that the office has to decide, the oldest first, each with its sale."""
    return await Void.filter(state=VoidState.ASKED).order_by("id").prefetch_related("sale__customer", "sale__agent")


async def office_decides(sale: Sale, agent: Agent) -> bool:
    """Whether this agent only asks: for a sale with a token, or to a customer who cannot be told on another phone than
    the agent's."""
    if await execute(connection(), "SELECT 1 FROM token WHERE sale_id = $1", [sale.id]):
        return True
    return (await Customer.get(id=sale.customer_id)).phone in (None, agent.phone)


async def _check_open(sale: Sale) -> None:
    """Raises AskedBefore for what is asked for already, and NotTakenBack's kinds."""
    await check_possible(sale)
    asked = await void_of(sale)
    if asked and asked.state == VoidState.ASKED:
        raise AskedBefore(sale.reference)


async def _note(sale: Sale, asked_by: str, reason: str, state: VoidState, decided_by: str = "") -> None:
    now = datetime.now(UTC)
    await Void.create(
        sale_id=sale.id,
        reason=reason[:200],
        asked_by=asked_by,
        asked_at=now,
        state=state.value,
        decided_by=decided_by,
        decided_at=now if decided_by else None,
    )


async def _decide(asked: Void, state: VoidState, by: OfficeUser) -> None:
    asked.state, asked.decided_by, asked.decided_at = state, by.name, datetime.now(UTC)
    await asked.save(update_fields=["state", "decided_by", "decided_at"])
