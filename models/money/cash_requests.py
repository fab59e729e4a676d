"""Customers who ask an agent to sell to them for cash: what they want, and what the agent said."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.devices import Device
from models.money.contracts import Contract
from models.money.sales import Sale
from models.people import Agent, Customer


class CashRequestState(StrEnum):
    ASKED = "asked"
    SOLD = "sold"
    DECLINED = "declined"
    EXPIRED = "expired"


class CashRequest(Model):
    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # of the talk that asked: the same turn asks once
    phone = fields.CharField(16)  # of who asked, who may be somebody else than the customer
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
    agent: fields.ForeignKeyRelation[Agent] = fields.ForeignKeyField("models.Agent", on_delete=fields.RESTRICT)
    agent_id: int
    amount = fields.BigIntField()  # minor units
    state = fields.CharField(10, default=CashRequestState.ASKED)
    sale: fields.OneToOneNullableRelation[Sale] = fields.OneToOneField(
        "models.Sale", null=True, on_delete=fields.RESTRICT
    )
    sale_id: int | None
    created_at = fields.BigIntField()  # ms
    expires_at = fields.BigIntField()  # ms

    class Meta:
        table = "cash_request"
