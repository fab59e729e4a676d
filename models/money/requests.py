"""Customers who were asked on their own phones to pay: what was asked, and what became of it."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.devices import Device
from models.money.contracts import Contract
from models.money.sales import Payment
from models.people import Customer


class RequestState(StrEnum):
    NEW = "new"  # to be sent to the provider
    ASKED = "asked"  # the phone rings
    PAID = "paid"
    FAILED = "failed"  # nothing was paid, and the customer was told why
    UNKNOWN = "unknown"  # nobody knows: it is looked up, and in the end left to a person
    EXPIRED = "expired"  # nobody answered in time. A payment that comes after it still counts


class PaymentRequest(Model):
    """One push to one phone."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # of the talk that asked: the same turn asks once
    provider = fields.CharField(20)
    reference = fields.CharField(40, unique=True)  # ours, sent with it
    external_id = fields.CharField(80, default="", db_default="")  # the provider's own
    phone = fields.CharField(16)  # that rings
    language = fields.CharField(2)
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer", on_delete=fields.RESTRICT)
    customer_id: int
    device: fields.ForeignKeyNullableRelation[Device] = fields.ForeignKeyField(
        "models.Device", null=True, on_delete=fields.RESTRICT
    )
    device_id: int | None
    contract: fields.ForeignKeyNullableRelation[Contract] = fields.ForeignKeyField(
        "models.Contract", null=True, on_delete=fields.RESTRICT
    )
    contract_id: int | None
    agent_id: int | None = fields.BigIntField(null=True)  # whose wallet it tops up, and no device
    amount = fields.BigIntField()  # minor units
    state = fields.CharField(10, default=RequestState.NEW)
    code = fields.CharField(80, default="", db_default="")  # the provider's, of how it ended
    payment: fields.OneToOneNullableRelation[Payment] = fields.OneToOneField(
        "models.Payment", null=True, on_delete=fields.RESTRICT
    )
    payment_id: int | None
    created_at = fields.BigIntField()  # ms
    asked_at = fields.BigIntField(default=0, db_default=0)  # ms
    expires_at = fields.BigIntField()  # ms
    look_at = fields.BigIntField(default=0, db_default=0)  # ms; when the provider is asked for it
    looks = fields.SmallIntField(default=0, db_default=0)
    claimed_by = fields.CharField(40, default="", db_default="")  # the server that asks the provider now
    claimed_at = fields.BigIntField(default=0, db_default=0)  # ms

    class Meta:
        table = "payment_request"
