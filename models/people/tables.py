"""Who takes part: agents who sell, customers who own devices, office staff who watch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.sql import connection, execute, marks, on_postgres

PAGE = 1000  # values of one statement


class MiniGrid(Model):
    """A site with its own agents and customers; an agent sees and touches only his own."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(100, unique=True)


class Village(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(100)
    mini_grid: fields.ForeignKeyRelation[MiniGrid] = fields.ForeignKeyField("models.MiniGrid")
    mini_grid_id: int

    class Meta:
        unique_together = (("mini_grid", "name"),)


class Agent(Model):
    """Sells for cash. `cash_limit` is in minor units; `commission` on payments and `goods_commission` on the full
    price of appliances are in basis points (1000 = 10 %)."""

    id = fields.IntField(primary_key=True)
    phone = fields.CharField(16, unique=True)
    name = fields.CharField(100)
    language = fields.CharField(2, default="en")
    mini_grid: fields.ForeignKeyRelation[MiniGrid] = fields.ForeignKeyField("models.MiniGrid")
    mini_grid_id: int
    pin_hash = fields.CharField(200)
    wrong_pins = fields.IntField(default=0)
    locked_at = fields.DatetimeField(null=True)
    cash_limit = fields.BigIntField()
    commission = fields.IntField(default=1000)
    goods_commission = fields.IntField(default=500, db_default=500)


def now() -> datetime:
    return datetime.now(UTC)


class Customer(Model):
    """Owns devices. A phone may be missing, and may be shared by several customers. The `id` is the customer
    number that people see; `created_at` is the registration, unknown for those from before it was kept."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(100)
    surname = fields.CharField(100)
    phone = fields.CharField(16, null=True, db_index=True)
    language = fields.CharField(2, default="en")
    mini_grid: fields.ForeignKeyRelation[MiniGrid] = fields.ForeignKeyField("models.MiniGrid")
    mini_grid_id: int
    village: fields.ForeignKeyNullableRelation[Village] = fields.ForeignKeyField("models.Village", null=True)
    village_id: int | None
    # not auto_now_add: that would date a customer from before at the next save
    created_at = fields.DatetimeField(null=True, default=now)

    @property
    def masked(self) -> str:
        """The name as others may see it: AMINA J."""
        return f"{self.name} {self.surname[:1]}.".upper()


async def keep_numbers(highest: int) -> None:
    """Numbers up to this one are for customers who bring theirs from elsewhere: others get higher ones from the commit
    on. Who is being registered at this moment is waited for."""
    if on_postgres():
        await execute(connection(), "LOCK TABLE customer IN SHARE ROW EXCLUSIVE MODE")
        sequence = "pg_get_serial_sequence('customer', 'id')"
        behind = f"SELECT setval({sequence}, GREATEST($1::bigint, nextval({sequence}) - 1))"
        await execute(connection(), f"{behind} WHERE $1 > (SELECT COALESCE(MAX(id), 0) FROM customer)", [highest])
        return
    rows = await execute(
        connection(),
        "UPDATE sqlite_sequence SET seq = MAX(seq, $1) WHERE name = 'customer' RETURNING seq",
        [highest],
    )
    if not rows:  # nobody was registered ever
        await execute(connection(), "INSERT INTO sqlite_sequence (name, seq) VALUES ('customer', $1)", [highest])


async def numbers_given(numbers: Sequence[int]) -> set[int]:
    """Which of these numbers somebody has."""
    given: set[int] = set()
    for first in range(0, len(numbers), PAGE):
        some = numbers[first : first + PAGE]
        rows = await execute(connection(), f"SELECT id FROM customer WHERE id IN ({marks(len(some))})", some)
        given |= {row["id"] for row in rows}
    return given


class OfficeUser(Model):
    """May sign in to the office's page."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(100, unique=True)
    password_hash = fields.CharField(200)


class Role(StrEnum):
    AGENT = "agent"
    CUSTOMER = "customer"
    STRANGER = "stranger"


@dataclass(frozen=True)
class Caller:
    """Whoever a phone number belongs to: an agent, the customers who share it, or nobody we know."""

    phone: str
    agent: Agent | None = None
    customers: list[Customer] = field(default_factory=list)

    @property
    def role(self) -> Role:
        if self.agent:
            return Role.AGENT
        return Role.CUSTOMER if self.customers else Role.STRANGER

    @property
    def locked(self) -> bool:
        return self.agent is not None and self.agent.locked_at is not None

    @property
    def language(self) -> str | None:
        if self.agent:
            return self.agent.language
        return self.customers[0].language if self.customers else None

    async def speak(self, language: str) -> None:
        """Remember the language for every record behind this number."""
        if self.agent:
            await Agent.filter(id=self.agent.id).update(language=language)
        await Customer.filter(phone=self.phone).update(language=language)


async def find_callers(phones: list[str]) -> dict[str, Caller]:
    """Who is behind each of these numbers, in two statements however many there are."""
    callers = {phone: Caller(phone) for phone in phones}
    for row in await _rows("agent", phones):
        callers[row["phone"]] = Caller(row["phone"], agent=Agent(**row, _from_db=True))
    for row in await _rows("customer", phones):
        if callers[row["phone"]].agent is None:
            callers[row["phone"]].customers.append(Customer(**row, _from_db=True))
    return callers


async def _rows(table: str, phones: list[str]) -> list[dict[str, Any]]:
    return await execute(
        connection(), f"SELECT * FROM {table} WHERE phone IN ({marks(len(phones))}) ORDER BY id", phones
    )
