"""Money that came in, whoever it is for: it is booked at once, and applied in another step."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.money.sales import Payment


class Source(StrEnum):
    """By which way we know of a payment."""

    CALLBACK = "callback"
    QUERY = "query"
    TEXT = "text"
    STATEMENT = "statement"


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A payment as one source tells of it. Money is in minor units."""

    source: Source
    provider: str
    reference: str  # the provider's receipt, in any spelling
    amount: int
    paid_at: datetime
    request: str = ""  # our reference of the push that it answers; empty when nobody was asked
    payer_phone: str = ""  # E.164, or as the provider masks it
    payer_name: str = ""
    account_text: str = ""  # what the payer typed as the account
    balance_after: int | None = None
    seen_by: str = ""
    raw: str = ""  # what was said, word by word


class Evidence(Model):
    """What one source said of a payment, append only. One payment may be seen by several sources."""

    id = fields.BigIntField(primary_key=True)
    source = fields.CharField(10)  # a Source
    provider = fields.CharField(20)
    reference = fields.CharField(80)
    payment: fields.ForeignKeyRelation[Payment] = fields.ForeignKeyField("models.Payment", on_delete=fields.RESTRICT)
    amount = fields.BigIntField()  # minor units, as this source has it
    seen_by = fields.CharField(40, default="", db_default="")  # a gateway phone and its SIM, or an address
    balance_after = fields.BigIntField(null=True)  # of the wallet, minor units
    sealed = fields.TextField(default="")  # what was said, word by word, encrypted
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        unique_together = (("source", "provider", "reference"),)
        indexes = (("payment_id",),)


class Why(StrEnum):
    """Why money waits for somebody of the office."""

    NOBODY = "nobody"  # no device, contract or customer goes by what the payer typed
    SEVERAL = "several"  # more than one does
    RETIRED = "retired"  # the device is out of use
    NO_PRICE = "no price"
    PAID_OFF = "paid off"
    ISSUER_AWAY = "issuer away"  # no token can be made now: the clock, the key, or who makes them
    AMOUNTS = "amounts"  # two sources say different amounts
    TAKEN_BACK = "taken back"  # its sale was void


class Suspense(Model):
    """A payment that waits, wholly or in part, until somebody of the office says what it is for."""

    id = fields.BigIntField(primary_key=True)
    payment: fields.OneToOneRelation[Payment] = fields.OneToOneField("models.Payment", on_delete=fields.RESTRICT)
    payment_id: int
    why = fields.CharField(20)  # a Why
    owner = fields.CharField(100, default="", db_default="")  # who of the office looks after it
    opened_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True)
    closed_by = fields.CharField(100, default="", db_default="")
