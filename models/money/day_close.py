"""Days that are closed: what the books said then, and that nothing is booked into them any more."""

from tortoise import fields
from tortoise.models import Model


class DayClose(Model):
    """One day of one agent or provider, append only. The day of everybody has no subject: what is effective before its
    end cannot be booked any more."""

    id = fields.BigIntField(primary_key=True)
    day = fields.DateField()
    subject = fields.CharField(40, default="", db_default="")  # `agent 3`, `provider daraja`; empty: all
    ends_at = fields.DatetimeField()  # the end of that day, UTC
    figures = fields.TextField()  # JSON: opening, taken, handed in, closing, in minor units
    actor = fields.CharField(100)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "day_close"
        unique_together = (("day", "subject"),)
