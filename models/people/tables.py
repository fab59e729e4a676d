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


class Gender(StrEnum):
    """What funders of a mini-grid ask for of each customer."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


def masked(name: str, surname: str) -> str:
    """A name as others may see it: AMINA J."""
    return f"{name} {surname[:1]}.".upper()


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
    gender = fields.CharField(10, null=True)  # a Gender; None where nobody asked
    # Where the customer lives, in degrees (WGS 84) with five decimals, some metre; both or neither.
    latitude = fields.FloatField(null=True)
    longitude = fields.FloatField(null=True)
    # The registration; None where it is not known. Not auto_now_add: the next save would date those.
    created_at = fields.DatetimeField(null=True, default=now)

    @property
    def masked(self) -> str:
        """The name as others may see it."""
        return masked(self.name, self.surname)


class OfficeRole(StrEnum):
    """What somebody of the office does; each page says which roles get to it."""

    OWNER = "owner"  # everything, users and settings too
    FINANCE = "finance"  # moves money
    SUPPORT = "support"  # helps callers
    AUDITOR = "auditor"  # only reads


class OfficeUser(Model):
    """May sign in to the office's pages."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(100)  # of one who is not removed
    password_hash = fields.CharField(200)
    # A row that does not say it may change nothing.
    role = fields.CharEnumField(OfficeRole, max_length=10, default=OfficeRole.AUDITOR, db_default="auditor")
    language = fields.CharField(2, default="", db_default="")  # of the pages; empty: as the browser asks
    factor = fields.CharField(200, default="", db_default="")  # the sealed secret of the second one; empty: none
    factor_step = fields.BigIntField(default=0, db_default=0)  # the half minute of the last code: each counts once
    session_epoch = fields.IntField(default=0, db_default=0)  # raised to end all sessions
    removed_at = fields.DatetimeField(null=True)  # tickets go on naming who is removed


class OfficeSession(Model):
    """A browser in which somebody of the office is signed in. models/people/sessions.py alone writes it."""

    id = fields.BigIntField(primary_key=True)
    hash = fields.CharField(64, unique=True)  # SHA-256 of the random name that the browser has in its cookie
    user: fields.ForeignKeyRelation[OfficeUser] = fields.ForeignKeyField("models.OfficeUser", on_delete=fields.RESTRICT)
    user_id: int
    role = fields.CharField(10)  # the user's as it was then
    epoch = fields.IntField()  # likewise: once the user has another one this is over
    created_at = fields.BigIntField(db_index=True)
    seen_at = fields.BigIntField()
    address = fields.CharField(45)
    browser = fields.CharField(200)  # as it calls itself
    typed = fields.TextField(default="", db_default="")  # sealed: a form that was filled in before signing in again

    class Meta:
        table = "office_session"


class RecoveryCode(Model):
    """Opens once in place of a code of the second factor. models/people/second_factor.py alone writes it."""

    id = fields.BigIntField(primary_key=True)
    user: fields.ForeignKeyRelation[OfficeUser] = fields.ForeignKeyField("models.OfficeUser", on_delete=fields.RESTRICT)
    user_id: int
    hash = fields.CharField(64)  # SHA-256: 80 random bits need no key
    used_at = fields.BigIntField(default=0, db_default=0)  # milliseconds

    class Meta:
        table = "office_recovery_code"
        unique_together = (("user", "hash"),)


class Invitation(Model):
    """A link by which somebody sets a password: as a new user of this role, or as one who is there already. It works
    once. models/people/invitations.py alone writes it. Milliseconds."""

    id = fields.BigIntField(primary_key=True)
    role = fields.CharField(10)
    whom = fields.CharField(100)  # in the owner's words, for the list
    by: fields.ForeignKeyRelation[OfficeUser] = fields.ForeignKeyField(
        "models.OfficeUser", related_name="invited", on_delete=fields.RESTRICT
    )
    by_id: int
    user: fields.ForeignKeyNullableRelation[OfficeUser] = fields.ForeignKeyField(
        "models.OfficeUser", related_name="invitations", null=True, on_delete=fields.RESTRICT
    )
    user_id: int | None  # who gets a new password by it, or came of it
    created_at = fields.BigIntField()
    expires_at = fields.BigIntField()
    used_at = fields.BigIntField(default=0, db_default=0)
    withdrawn_at = fields.BigIntField(default=0, db_default=0)
    agreed = fields.BooleanField(default=False, db_default=False)  # by a second person, before there was a link

    class Meta:
        table = "office_invitation"


class Guess(Model):
    """How many wrong PINs or passwords there were, by whom or at whom. models/people/guesses.py alone writes it."""

    name = fields.CharField(120, primary_key=True)
    wrong = fields.IntField()
    since = fields.BigIntField(db_index=True)  # when the first of them was (ms)
