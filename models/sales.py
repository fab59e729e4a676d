"""What was sold: one payment, one sale, one token, each guarded by a unique key."""

from datetime import UTC, datetime, timedelta

from tortoise import fields
from tortoise.models import Model

from models.devices import Device
from models.people import Agent, Customer


class Payment(Model):
    """Money taken. `provider` and `reference` together name it once: cash is referred to by the sale's key."""

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(20)
    reference = fields.CharField(80)
    amount = fields.BigIntField()
    agent: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField("models.Agent", null=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        unique_together = (("provider", "reference"),)


class Sale(Model):
    """`units` are whole days or tenths of a kilowatt-hour; `amount` and `commission` are minor units."""

    id = fields.BigIntField(primary_key=True)
    reference = fields.CharField(5, unique=True)
    key = fields.CharField(80, unique=True)
    payment: fields.OneToOneRelation[Payment] = fields.OneToOneField("models.Payment")
    agent: fields.ForeignKeyRelation[Agent] = fields.ForeignKeyField("models.Agent")
    agent_id: int
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer")
    customer_id: int
    device: fields.ForeignKeyRelation[Device] = fields.ForeignKeyField("models.Device")
    device_id: int
    amount = fields.BigIntField()
    unit = fields.CharField(10)
    units = fields.IntField()
    commission = fields.BigIntField()
    created_at = fields.DatetimeField(auto_now_add=True, db_index=True)

    class Meta:
        indexes = (("device_id", "created_at"), ("agent_id", "created_at"))


class Token(Model):
    """The digits that a sale bought. A device's count is used for at most one token, a sale has at most one."""

    id = fields.BigIntField(primary_key=True)
    sale: fields.OneToOneRelation[Sale] = fields.OneToOneField("models.Sale", related_name="token")
    sale_id: int
    device: fields.ForeignKeyRelation[Device] = fields.ForeignKeyField("models.Device", related_name="tokens")
    device_id: int
    count = fields.IntField()
    digits = fields.CharField(20)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        unique_together = (("device", "count"),)
        indexes = (("device_id", "id"),)


SAME_SALE_WINDOW = timedelta(hours=24)


async def same_today(device: Device, agent: Agent, amount: int) -> Sale | None:
    """This agent's newest sale of this amount for this device within 24 hours (reference: users 3.3)."""
    since = datetime.now(UTC) - SAME_SALE_WINDOW
    return (
        await Sale.filter(device_id=device.id, agent_id=agent.id, amount=amount, created_at__gte=since)
        .order_by("-id")
        .first()
    )


async def last_tokens(device: Device, count: int = 3) -> list[Token]:
    """The newest tokens of a device with their sales, newest first."""
    return await Token.filter(device_id=device.id).order_by("-id").limit(count).select_related("sale")


async def last_of_agent(agent: Agent, since: datetime) -> Sale | None:
    """The newest sale of an agent, with everything that a receipt prints."""
    return (
        await Sale.filter(agent_id=agent.id, created_at__gte=since)
        .order_by("-id")
        .select_related("device", "customer", "token", "device__plan")
        .first()
    )
