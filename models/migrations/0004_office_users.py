"""Roles, sessions, second factors and invitations of who signs in to the office."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from models.people.tables import OfficeRole


class Migration(migrations.Migration):
    dependencies = [("models", "0003_closed_days")]

    operations = [
        ops.AddField("OfficeUser", "role", fields.CharEnumField(OfficeRole, default=OfficeRole.OWNER, db_default="owner", max_length=10)),
        ops.AddField("OfficeUser", "language", fields.CharField(max_length=2, default="", db_default="")),
    ]
