"""A person may be registered before there is a device."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete

from models.nullable import AllowNull


class Migration(migrations.Migration):
    dependencies = [("models", "0010_phone_signatures")]

    operations = [
        AllowNull(
            model_name="Registration",
            name="device",
            field=fields.ForeignKeyField(
                "models.Device",
                source_field="device_id",
                null=True,
                db_constraint=True,
                to_field="id",
                on_delete=OnDelete.CASCADE,
            ),
        ),
    ]
