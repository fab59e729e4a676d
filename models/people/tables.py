"""Who takes part: agents who sell, customers who own devices, office staff who watch."""

from datetime import UTC, datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model


class MiniGrid(Model):
    """A place with its own agents and customers; an agent sees and touches only the own ones."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(100, unique=True)


class Village(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(100)
    mini_grid: fields.ForeignKeyRelation[MiniGrid] = fields.ForeignKeyField(
        "models.MiniGrid", on_delete=fields.RESTRICT
    )
    mini_grid_id: int

    class Meta:
        unique_together = (("mini_grid", "name"),)


class Agent(Model):
    """Sells for cash. Commissions are in basis points (1000 = 10 %)."""

    id = fields.BigIntField(primary_key=True)
    phone = fields.CharField(16)  # of one agent who is not retired
    name = fields.CharField(100)
    language = fields.CharField(2, default="en")
    mini_grid: fields.ForeignKeyRelation[MiniGrid] = fields.ForeignKeyField(
        "models.MiniGrid", on_delete=fields.RESTRICT
    )
    mini_grid_id: int
    pin_hash = fields.CharField(200)
    # The office gave the PIN, to be changed at its first use, and until then; None: the agent chose it.
    pin_expires_at = fields.DatetimeField(null=True)
    wrong_pins = fields.IntField(default=0)  # in a row
    locked_at = fields.DatetimeField(null=True)
    retired_at = fields.DatetimeField(null=True)  # then locked as well, and the number is free for another agent
    cash_limit = fields.BigIntField()  # minor units
    prepaid = fields.BooleanField(default=False, db_default=False)  # sells from a wallet, and not up to the limit
    cashier = fields.BooleanField(default=False, db_default=False)  # may count what other agents hand in
    commission = fields.IntField(default=1000)  # on payments
    goods_commission = fields.IntField(default=500, db_default=500)  # on the full price of appliances


def now() -> datetime:
    return datetime.now(UTC)


class Customer(Model):
    """Owns devices."""

    id = fields.BigIntField(primary_key=True)  # the customer number that people see
    name = fields.CharField(100)
    surname = fields.CharField(100)
    phone = fields.CharField(16, null=True, db_index=True)  # None without one; several customers may share one
    language = fields.CharField(2, default="en")
    mini_grid: fields.ForeignKeyRelation[MiniGrid] = fields.ForeignKeyField(
        "models.MiniGrid", on_delete=fields.RESTRICT
    )
    mini_grid_id: int
    village: fields.ForeignKeyNullableRelation[Village] = fields.ForeignKeyField(
        "models.Village", null=True, on_delete=fields.RESTRICT
    )
    village_id: int | None
    # The registration; None where it is not known. Not auto_now_add: the next save would date those.
    created_at = fields.DatetimeField(null=True, default=now)

    @property
    def masked(self) -> str:
        """The name as others may see it: AMINA J."""
        return f"{self.name} {self.surname[:1]}.".upper()


class OfficeRole(StrEnum):
    """What somebody of the office may do: all; move money; help callers; or read."""

    OWNER = "owner"
    FINANCE = "finance"
    SUPPORT = "support"
    AUDITOR = "auditor"


class OfficeUser(Model):
    """May sign in to the office's pages."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(100)  # of one who is not removed
    password_hash = fields.CharField(200)
    session_epoch = fields.IntField(default=0, db_default=0)  # signing out raises it, which ends all sessions
    role = fields.CharEnumField(OfficeRole, default=OfficeRole.OWNER, db_default="owner", max_length=10)
    language = fields.CharField(2, default="", db_default="")  # of the pages; empty: as the browser asks
    removed_at = fields.DatetimeField(null=True)  # tickets go on naming who is removed


class Guess(Model):
    """How many wrong PINs or passwords there were, by whom or at whom. models/people/guesses.py alone writes it."""

    name = fields.CharField(120, primary_key=True)
    wrong = fields.IntField()
    since = fields.BigIntField(db_index=True)  # when the first of them was (ms)
